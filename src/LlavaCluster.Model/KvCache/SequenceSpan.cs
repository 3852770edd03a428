using LlavaCluster.Model.Layers;
using static TorchSharp.torch;

namespace LlavaCluster.Model.KvCache;

/// <summary>
/// One sequence's part of a step. Positions of a chunk of 3 after 5 earlier ones, window of 4:
/// <code>
/// position   0 1 2 3 4 | 5 6 7
///                        Start = 5, Length = 3, Context = 8
///                FirstKey = 2: what lies before is out of every new token's window
/// </code>
/// </summary>
/// <param name="Offset">Its first token among the step's tokens.</param>
/// <param name="Start">Position of that token.</param>
/// <param name="Length">Tokens.</param>
/// <param name="FirstKey">First position that any of them looks at.</param>
/// <param name="Blocks">[blocks], int64: those that cover positions from the one of <paramref name="FirstKey"/>.</param>
/// <param name="Mask">
/// [length, context − first key]: bool, true where a token may look, or numbers that are added to the scores; null: see <paramref name="Causal"/>.
/// </param>
/// <param name="Causal">Without a mask: token i looks at the keys up to the i-th; false: at all.</param>
internal sealed record SequenceSpan(int Offset, int Start, int Length, int FirstKey, Tensor Blocks, Tensor? Mask, bool Causal)
{
    /// <summary>Positions up to and with the last token.</summary>
    public int Context => Start + Length;

    /// <summary>Works out what a span's tokens may look at.</summary>
    public static SequenceSpan Of(int offset, int start, int length, IReadOnlyList<int> blocks, Device device, int? slidingWindow)
    {
        var context = start + length;
        var firstKey = slidingWindow is { } window ? Math.Max(0, start - window + 1) : 0;
        int firstBlock = firstKey / PagedKvCache.BlockTokens, lastBlock = (context - 1) / PagedKvCache.BlockTokens;
        var used = new long[lastBlock - firstBlock + 1];
        for (var i = 0; i < used.Length; i++)
        {
            used[i] = blocks[firstBlock + i];
        }

        // A single token looks at all that is left; from position 0 within the window the plain triangle does.
        var triangle = start == 0 && !(context > slidingWindow);
        var mask = length == 1 || triangle ? null : MaskOf(start, length, firstKey, slidingWindow, device);
        return new SequenceSpan(offset, start, length, firstKey, tensor(used, device: device), mask, triangle && length > 1);
    }

    private static Tensor MaskOf(int start, int length, int firstKey, int? slidingWindow, Device device)
    {
        using var scope = NewDisposeScope();
        var query = HeldScalars.Range(start, start + length, device).unsqueeze(1); // [length, 1]
        var key = HeldScalars.Range(firstKey, start + length, device).unsqueeze(0); // [1, context − first key]
        var allowed = key.le(query);
        if (slidingWindow is { } window)
        {
            allowed = allowed.logical_and(key.gt(query.Plus(-window)));
        }

        return allowed.MoveToOuterDisposeScope();
    }
}
