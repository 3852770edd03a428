using LlavaCluster.Core.Scheduling;
using static TorchSharp.torch;

namespace LlavaCluster.Model.KvCache;

/// <summary>
/// What all layers of one step share: positions, where KV goes, and each sequence's part. Built once per step, in the caller's dispose
/// scope.
/// </summary>
internal sealed class StepInput
{
    private StepInput(int tokens, Tensor positions, Tensor slots, IReadOnlyList<SequenceSpan> spans)
        => (Tokens, Positions, Slots, Spans) = (tokens, positions, slots, spans);

    /// <summary>Tokens of the step, all sequences together.</summary>
    public int Tokens { get; }

    /// <summary>[tokens], int64: place of each token in its sequence.</summary>
    public Tensor Positions { get; }

    /// <summary>[tokens], int64: block × 16 + place in the block.</summary>
    public Tensor Slots { get; }

    /// <summary>The sequences' parts, one after the other.</summary>
    public IReadOnlyList<SequenceSpan> Spans { get; }

    /// <summary>
    /// A row of all tokens cut into the spans' parts, which share its memory. All at once: the gradient of one cut is one copy, that of
    /// single parts a copy of the whole row for each.
    /// </summary>
    /// <param name="row">[tokens, …]</param>
    public Tensor[] Split(Tensor row) => Spans.Count == 1 ? [row] : row.split([.. Spans.Select(span => (long)span.Length)]);

    /// <summary>
    /// A step of whole sequences with positions and masks of its own making, for <see cref="NoKvCache"/>: it has no places in a cache.
    /// </summary>
    /// <param name="positions">[tokens], int64. Not disposed here.</param>
    /// <param name="spans">The sequences' parts, one after the other, over all tokens.</param>
    public static StepInput Uncached(Tensor positions, IReadOnlyList<SequenceSpan> spans)
        => new((int)positions.shape[0], positions, slots: positions, spans);

    /// <summary>The step of a plan.</summary>
    /// <param name="slices">Its slices; their blocks are within the cache.</param>
    /// <param name="device">Where tensors go.</param>
    /// <param name="slidingWindow">Positions that attention looks back, or null.</param>
    public static StepInput Of(IReadOnlyList<SequenceSlice> slices, Device device, int? slidingWindow)
    {
        var tokens = slices.Sum(slice => slice.TokenIds.Length);
        var (positions, slots) = (new long[tokens], new long[tokens]);
        var spans = new List<SequenceSpan>(slices.Count);
        var offset = 0;
        foreach (var slice in slices)
        {
            var length = slice.TokenIds.Length;
            for (var i = 0; i < length; i++)
            {
                var position = slice.Start + i;
                positions[offset + i] = position;
                slots[offset + i] = ((long)slice.Blocks[position / PagedKvCache.BlockTokens] * PagedKvCache.BlockTokens)
                    + (position % PagedKvCache.BlockTokens);
            }

            spans.Add(SequenceSpan.Of(offset, slice.Start, length, slice.Blocks, device, slidingWindow));
            offset += length;
        }

        return new StepInput(tokens, tensor(positions, device: device), tensor(slots, device: device), spans);
    }
}
