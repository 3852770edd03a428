using System.Runtime.Intrinsics;

namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Puts keys and values into KV pages, in the order in which <see cref="BlockAttention"/> multiplies by them. As rows: [16 positions,
/// kv_heads, head_dim]. In panels, for kernels that take pairs of bfloat16: of a block's keys [kv_heads][pairs of head_dim][16 positions],
/// of its values [kv_heads][8 pairs of positions][head_dim], so that nothing is turned when they are read, as often as there are later
/// tokens, and a head's part of a block is one stretch.
/// </summary>
/// <param name="shape">The heads, and which order.</param>
internal sealed unsafe class PageWriter(AttentionShape shape)
{
    /// <summary>Whether pages should lie in panels.</summary>
    public static bool Suits(PanelKernel kernel, NumberForm form, int headDim) => kernel.TakesTiles(form) && headDim % 16 == 0;

    /// <summary>A token's keys.</summary>
    /// <param name="pages">A layer's key pages, written.</param>
    /// <param name="slot">Block × 16 + place in the block.</param>
    /// <param name="keys">[kv_heads, head_dim]</param>
    public void Keys(byte* pages, int slot, byte* keys)
    {
        if (!shape.InPanels)
        {
            Buffer.MemoryCopy(keys, pages + ((long)slot * shape.PositionBytes), shape.PositionBytes, shape.PositionBytes);
            return;
        }

        var pair = (uint*)keys;
        var word = (uint*)Block(pages, slot) + (slot % AttentionShape.BlockTokens);
        for (var end = pair + (shape.KvHeads * shape.HeadDim / 2); pair < end; pair++, word += AttentionShape.BlockTokens)
        {
            *word = *pair;
        }
    }

    /// <summary>
    /// A token's values. In panels two positions share words: whoever writes the first of a step writes both, so that no two threads meet
    /// in a word; where the second one comes in a later step, it is 0 until then, since a weight of 0 must find a number there.
    /// </summary>
    /// <param name="pages">A layer's value pages, written.</param>
    /// <param name="slots">Slots of the step's tokens.</param>
    /// <param name="token">The token.</param>
    /// <param name="values">[kv_heads, head_dim]</param>
    /// <param name="stride">Bytes to the next token's values.</param>
    public void Values(byte* pages, ReadOnlySpan<int> slots, int token, byte* values, long stride)
    {
        var slot = slots[token];
        if (!shape.InPanels)
        {
            Buffer.MemoryCopy(values, pages + ((long)slot * shape.PositionBytes), shape.PositionBytes, shape.PositionBytes);
            return;
        }

        var isSecond = slot % 2 != 0;
        if (isSecond && token > 0 && slots[token - 1] == slot - 1)
        {
            return;
        }

        var second = isSecond ? values : token + 1 < slots.Length && slots[token + 1] == slot + 1 ? values + stride : null;
        var line = (uint*)Block(pages, slot) + (slot % AttentionShape.BlockTokens / 2 * shape.HeadDim);
        for (var head = 0; head < shape.KvHeads; head++, line += shape.HeadPageBytes / sizeof(uint))
        {
            for (var i = 0; i < shape.HeadDim; i += Vector512<uint>.Count)
            {
                var at = (head * shape.HeadDim) + i;
                var low = isSecond ? Vector512.Load(line + i) & Vector512.Create(0xffffu) : Numbers.Words((ushort*)values + at);
                var high = second == null ? Vector512<uint>.Zero : Numbers.Words((ushort*)second + at) << 16;
                (low | high).Store(line + i);
            }
        }
    }

    private byte* Block(byte* pages, int slot) => pages + ((long)(slot / AttentionShape.BlockTokens) * shape.KvHeads * shape.HeadPageBytes);
}
