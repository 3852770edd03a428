using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Where a step's tokens stand: for every token its position and its place in the KV pages, for every sequence its blocks. One
/// object, filled anew each step.
/// </summary>
internal sealed class StepLayout
{
    private int[] _positions = [];
    private int[] _slots = [];
    private int[] _blocks = [];
    private Part[] _parts = [];

    /// <summary>Tokens of the step, all sequences one after the other.</summary>
    public int Tokens { get; private set; }

    /// <summary>Sequences of the step.</summary>
    public int Sequences { get; private set; }

    /// <summary>Position of each token in its sequence.</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, Tokens);

    /// <summary>Block × 16 + place in the block, for each token.</summary>
    public ReadOnlySpan<int> Slots => _slots.AsSpan(0, Tokens);

    /// <summary>A sequence's part of the step.</summary>
    public ref readonly Part Sequence(int number) => ref _parts[number];

    /// <summary>The block of a sequence that holds its positions 16·index ….</summary>
    public int Block(in Part part, int index) => _blocks[part.FirstBlock + index];

    /// <summary>Takes a plan's slices.</summary>
    public void Fill(IReadOnlyList<SequenceSlice> slices)
    {
        (Tokens, Sequences) = (0, slices.Count);
        var blocks = 0;
        for (var i = 0; i < slices.Count; i++)
        {
            Tokens += slices[i].TokenIds.Length;
            blocks += slices[i].Blocks.Count;
        }

        Grow(ref _positions, Tokens);
        Grow(ref _slots, Tokens);
        Grow(ref _blocks, blocks);
        Grow(ref _parts, slices.Count);
        var (token, block) = (0, 0);
        for (var i = 0; i < slices.Count; i++)
        {
            var slice = slices[i];
            _parts[i] = new Part(token, slice.Start, slice.TokenIds.Length, block);
            for (var b = 0; b < slice.Blocks.Count; b++)
            {
                _blocks[block + b] = slice.Blocks[b];
            }

            for (var t = 0; t < slice.TokenIds.Length; t++)
            {
                var position = slice.Start + t;
                var inBlock = position % AttentionShape.BlockTokens;
                _positions[token] = position;
                _slots[token++] = (_blocks[block + (position / AttentionShape.BlockTokens)] * AttentionShape.BlockTokens) + inBlock;
            }

            block += slice.Blocks.Count;
        }
    }

    /// <summary>Takes sequences of one length, all from their beginning, each in blocks of its own, one after the other.</summary>
    public void Fill(int sequences, int length)
    {
        var blocks = (length + AttentionShape.BlockTokens - 1) / AttentionShape.BlockTokens;
        (Tokens, Sequences) = (sequences * length, sequences);
        Grow(ref _positions, Tokens);
        Grow(ref _slots, Tokens);
        Grow(ref _blocks, sequences * blocks);
        Grow(ref _parts, sequences);
        for (var block = 0; block < sequences * blocks; block++)
        {
            _blocks[block] = block;
        }

        for (var sequence = 0; sequence < sequences; sequence++)
        {
            _parts[sequence] = new Part(sequence * length, 0, length, sequence * blocks);
            for (var position = 0; position < length; position++)
            {
                var token = (sequence * length) + position;
                _positions[token] = position;
                _slots[token] = (sequence * blocks * AttentionShape.BlockTokens) + position;
            }
        }
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            array = new T[Math.Max(length, 2 * array.Length)];
        }
    }

    /// <summary>One sequence's part of the step.</summary>
    /// <param name="Offset">Its first token among the step's tokens.</param>
    /// <param name="Start">Position of that token.</param>
    /// <param name="Length">Tokens.</param>
    /// <param name="FirstBlock">Its first block among the step's blocks.</param>
    internal readonly record struct Part(int Offset, int Start, int Length, int FirstBlock);
}
