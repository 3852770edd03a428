using LlavaCluster.Core.Scheduling;
using static TorchSharp.torch;

namespace LlavaCluster.Model.KvCache;

/// <summary>
/// What all layers of one step share: ids, positions, where KV goes, and each sequence's part. Built once per step, in the caller's
/// dispose scope, with one copy to the device.
/// </summary>
internal sealed class StepInput
{
    private StepInput(int tokens, Tensor numbers, IReadOnlyList<SequenceSpan> spans)
        => (Tokens, Numbers, Ids, Positions, Slots, Sampled, Spans) = (tokens, numbers, numbers, numbers, numbers, numbers, spans);

    /// <summary>Tokens of the step, all sequences together.</summary>
    public int Tokens { get; }

    /// <summary>[any], int64: all of the step's numbers, of which those below are parts.</summary>
    public Tensor Numbers { get; }

    /// <summary>[tokens], int64: what is looked up in the embedding; 0 where an image's features will stand.</summary>
    public Tensor Ids { get; private init; }

    /// <summary>[tokens], int64: place of each token in its sequence.</summary>
    public Tensor Positions { get; private init; }

    /// <summary>[tokens], int64: block × 16 + place in the block.</summary>
    public Tensor Slots { get; private init; }

    /// <summary>[sequences that sample], int64: the last token of each of them, as its number among the step's tokens.</summary>
    public Tensor Sampled { get; private init; }

    /// <summary>The sequences' parts, one after the other.</summary>
    public IReadOnlyList<SequenceSpan> Spans { get; }

    /// <summary>The sequences that compute one token each.</summary>
    public DecodeSet Decodes { get; private init; }

    /// <summary>
    /// A row of all tokens cut into the spans' parts, which share its memory. All at once: the gradient of one cut is one copy, that of
    /// single parts a copy of the whole row for each.
    /// </summary>
    /// <param name="row">[tokens, …]</param>
    public Tensor[] Split(Tensor row) => Spans.Count == 1 ? [row] : row.split([.. Spans.Select(span => (long)span.Length)]);

    /// <summary>
    /// A step of whole sequences with positions and masks of its own making, for <see cref="NoKvCache"/>: it has no ids, no places in a
    /// cache, and samples nothing.
    /// </summary>
    /// <param name="positions">[tokens], int64. Not disposed here.</param>
    /// <param name="spans">The sequences' parts, one after the other, over all tokens.</param>
    public static StepInput Uncached(Tensor positions, IReadOnlyList<SequenceSpan> spans)
        => new((int)positions.shape[0], positions, spans);

    /// <summary>The step of a plan.</summary>
    /// <param name="slices">Its slices; their blocks are within the cache.</param>
    /// <param name="device">Where tensors go.</param>
    /// <param name="slidingWindow">Positions that attention looks back, or null.</param>
    public static StepInput Of(IReadOnlyList<SequenceSlice> slices, Device device, int? slidingWindow)
    {
        var tokens = slices.Sum(slice => slice.TokenIds.Length);
        var reaches = slices.Select(slice => SpanReach.Of(slice.Start, slice.TokenIds.Length, slidingWindow)).ToArray();
        var sampling = slices.Count(slice => slice.Sample is not null);
        var decoding = reaches.Where(reach => reach.Length == 1).ToArray();
        var numbers = new StepNumbers((3 * tokens) + sampling + (4 * decoding.Length) + reaches.Sum(reach => reach.BlockCount));
        var ids = numbers.Take(tokens, out var idPart);
        var positions = numbers.Take(tokens, out var positionPart);
        var slots = numbers.Take(tokens, out var slotPart);
        var sampled = numbers.Take(sampling, out var sampledPart);
        var decodes = numbers.Take(4 * decoding.Length, out var decodePart);
        var blocks = new Range[slices.Count];
        for (int i = 0, offset = 0, sample = 0; i < slices.Count; i++)
        {
            var slice = slices[i];
            var length = slice.TokenIds.Length;
            Fill(slice, ids.Slice(offset, length), positions.Slice(offset, length), slots.Slice(offset, length));
            offset += length;
            if (slice.Sample is not null)
            {
                sampled[sample++] = offset - 1;
            }

            var used = numbers.Take(reaches[i].BlockCount, out blocks[i]);
            for (var block = 0; block < used.Length; block++)
            {
                used[block] = slice.Blocks[reaches[i].FirstBlock + block];
            }

            if (length == 1)
            {
                new long[] { offset - 1, blocks[i].Start.Value, reaches[i].FirstKey, reaches[i].Context }.CopyTo(decodes);
                decodes = decodes[4..];
            }
        }

        numbers.Send(device);
        var spans = new List<SequenceSpan>(slices.Count);
        foreach (var (reach, part) in reaches.Zip(blocks))
        {
            spans.Add(SequenceSpan.Of(spans.Count == 0 ? 0 : spans[^1].Offset + spans[^1].Length, reach, numbers.Part(part)));
        }

        return new StepInput(tokens, numbers.All, spans)
        {
            Ids = numbers.Part(idPart),
            Positions = numbers.Part(positionPart),
            Slots = numbers.Part(slotPart),
            Sampled = numbers.Part(sampledPart),
            Decodes = new DecodeSet(decodePart.Start.Value, decoding.Length, decoding.Select(reach => reach.Stretches).DefaultIfEmpty().Max()),
        };
    }

    private static void Fill(SequenceSlice slice, Span<long> ids, Span<long> positions, Span<long> slots)
    {
        var given = slice.TokenIds.Span;
        for (var i = 0; i < given.Length; i++)
        {
            var position = slice.Start + i;
            (ids[i], positions[i]) = (given[i], position);
            slots[i] = ((long)slice.Blocks[position / PagedKvCache.BlockTokens] * PagedKvCache.BlockTokens) + (position % PagedKvCache.BlockTokens);
        }

        // A placeholder may be past the vocabulary; what is looked up in its place is overwritten.
        foreach (var image in slice.Images)
        {
            ids.Slice(image.At, image.Count).Clear();
        }
    }
}
