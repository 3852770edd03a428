using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Core.Scheduling;

/// <summary>The part of one sequence that a step computes: positions Start … Start + TokenIds.Length − 1.</summary>
/// <param name="Sequence">Number of the sequence in this engine.</param>
/// <param name="Start">Position of the first token computed; all before it are in the blocks.</param>
/// <param name="TokenIds">Ids to compute; placeholders where an image stands.</param>
/// <param name="Images">Images whose span overlaps these positions.</param>
/// <param name="Blocks">Block numbers that cover at least positions 0 … Start + TokenIds.Length − 1.</param>
/// <param name="Sample">How to choose the token after the last; null while the prompt goes on in a later step.</param>
public sealed record SequenceSlice(
    long Sequence, int Start, ReadOnlyMemory<int> TokenIds, IReadOnlyList<ImageSlice> Images, IReadOnlyList<int> Blocks, SampleRequest? Sample)
{
    public int Start { get; internal set; } = Start;

    public ReadOnlyMemory<int> TokenIds { get; internal set; } = TokenIds;

    public IReadOnlyList<ImageSlice> Images { get; internal set; } = Images;

    public SampleRequest? Sample { get; internal set; } = Sample;

    /// <summary>The same slice in memory of its own, with the blocks that its positions need.</summary>
    internal SequenceSlice Copy() => this with { Images = [.. Images], Blocks = [.. Blocks], Sample = Sample is null ? null : Sample with { } };
}

/// <summary>The part of an image's tokens that falls into a slice.</summary>
/// <param name="Image">Address; its features were loaded before.</param>
/// <param name="Width">Pixels of a row of the upright picture.</param>
/// <param name="Height">Rows of the upright picture.</param>
/// <param name="FirstToken">First of the image's tokens that is needed, from 0.</param>
/// <param name="At">Index into the slice's ids where that token stands.</param>
/// <param name="Count">Tokens.</param>
public sealed record ImageSlice(ImageHash Image, int Width, int Height, int FirstToken, int At, int Count);

/// <summary>How rank 0 chooses the next token of a sequence.</summary>
/// <param name="Options">The turn's sampling options.</param>
/// <param name="Seed">Seed of the turn.</param>
/// <param name="Turn">Number of the turn in its session, from 0.</param>
/// <param name="Index">Number of the token in the turn, from 0. Randomness is a function of (seed, turn, index) alone.</param>
/// <param name="PromptIds">Ids before the answer, for the repetition penalty; placeholders are ignored.</param>
/// <param name="GeneratedIds">Ids of the answer so far, for the penalties.</param>
public sealed record SampleRequest(
    SamplingOptions Options, ulong Seed, int Turn, int Index, ReadOnlyMemory<int> PromptIds, ReadOnlyMemory<int> GeneratedIds)
{
    public int Index { get; internal set; } = Index;

    public ReadOnlyMemory<int> PromptIds { get; internal set; } = PromptIds;

    public ReadOnlyMemory<int> GeneratedIds { get; internal set; } = GeneratedIds;
}

/// <summary>What a step sampled.</summary>
/// <param name="Tokens">One per slice that asked, in the order of the slices.</param>
public sealed record StepOutput(IReadOnlyList<SampledToken> Tokens)
{
    /// <summary>Nothing was sampled.</summary>
    public static StepOutput Empty { get; } = new([]);
}
