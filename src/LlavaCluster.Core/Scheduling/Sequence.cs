using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Core.Scheduling;

/// <summary>One turn inside the scheduler: its ids so far, how many of them are computed, and where their KV lies. Engine thread only.</summary>
public sealed class Sequence
{
    private readonly SequenceSlice _slice;
    private readonly SampleRequest _sample;
    private int[] _ids;

    /// <summary>Takes a request that was admitted.</summary>
    /// <param name="number">Number of the sequence in its engine; younger ones have larger numbers.</param>
    /// <param name="request">The request.</param>
    /// <param name="maxTokens">Most tokens to generate, cut to what the context holds.</param>
    /// <param name="blockTokens">Positions of a block.</param>
    /// <param name="checkpoint">Name of the weights, for the keys of its blocks.</param>
    /// <param name="choice">Which of the request's answers this is, from 0.</param>
    public Sequence(long number, SequenceRequest request, int maxTokens, int blockTokens, string checkpoint = "", int choice = 0)
    {
        (Number, Request, MaxTokens, Choice) = (number, request, maxTokens, choice);
        PromptLength = Length = request.TokenIds.Count;
        _ids = new int[Length + Math.Min(maxTokens, 256)];
        for (var i = 0; i < Length; i++)
        {
            _ids[i] = request.TokenIds[i];
        }

        Keys = new BlockKeys(blockTokens, request.Tenant, request.Images, checkpoint);
        _sample = new SampleRequest(request.Sampling, CounterSeed.Of(request.Seed, choice), request.Turn, 0, Ids, default);
        _slice = new SequenceSlice(number, 0, default, [], Blocks, null);
    }

    /// <summary>Number of the sequence in its engine.</summary>
    public long Number { get; }

    /// <summary>What was asked.</summary>
    public SequenceRequest Request { get; }

    /// <summary>Which of the request's answers this is, from 0.</summary>
    public int Choice { get; }

    /// <summary>Most tokens to generate.</summary>
    public int MaxTokens { get; }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptLength { get; }

    /// <summary>Tokens so far, prompt and answer.</summary>
    public int Length { get; private set; }

    /// <summary>Tokens of the answer so far.</summary>
    public int Generated => Length - PromptLength;

    /// <summary>Positions from the start whose KV is in <see cref="Blocks"/>.</summary>
    public int Computed { get; internal set; }

    /// <summary>Blocks of the sequence, in order of position; it holds each.</summary>
    public List<int> Blocks { get; } = [];

    /// <summary>Prompt tokens that were found in the cache when the sequence was first taken up.</summary>
    public int CachedTokens { get; internal set; }

    /// <summary>How often it lost its blocks to an older one and was put back into the queue.</summary>
    public int Preemptions { get; internal set; }

    /// <summary>True from its first taking up on; stays true when it is put back into the queue.</summary>
    public bool Started { get; internal set; }

    /// <summary>Images whose features a runner does not have yet: the sequence is computed only up to the first of them.</summary>
    public HashSet<ImageHash> MissingImages { get; } = [];

    /// <summary>It waits in the queue for something else than room, and is passed over.</summary>
    internal bool IsHeldUp { get; set; }

    /// <summary>How often it waited for blocks from slower memory.</summary>
    internal int Promotions { get; set; }

    /// <summary>How often it waited for blocks from other replicas.</summary>
    internal int Fetches { get; set; }

    /// <summary>It may take part in steps.</summary>
    internal bool HasPlace { get; set; }

    internal BlockKeys Keys { get; }

    internal int PublishedBlocks { get; set; }

    /// <summary>What its tenant has been given; set when it is queued.</summary>
    internal TenantAccount Account { get; set; } = null!;

    /// <summary>Ids so far. The memory is not changed later: a longer sequence only writes behind it.</summary>
    public ReadOnlyMemory<int> Ids => _ids.AsMemory(0, Length);

    /// <summary>Tokens that wait to be computed.</summary>
    internal int Remaining => Length - Computed;

    /// <summary>Adds a generated token.</summary>
    public void Append(int id)
    {
        if (Length == _ids.Length)
        {
            Array.Resize(ref _ids, _ids.Length * 2);
        }

        _ids[Length++] = id;
    }

    /// <summary>Works out the keys of the blocks that a cache may know; any thread, before the sequence is handed to the engine's.</summary>
    internal ReadOnlySpan<UInt128> ShareableKeys(int blockTokens) => Keys.First(Ids.Span, (Length - 1) / blockTokens);

    /// <summary>First position that cannot be computed yet, because an image's features are missing; else the length.</summary>
    internal int ComputableEnd()
    {
        if (MissingImages.Count > 0)
        {
            foreach (var span in Request.Images)
            {
                if (span.End > Computed && MissingImages.Contains(span.Image))
                {
                    return Math.Max(span.Offset, Computed);
                }
            }
        }

        return Length;
    }

    /// <summary>Nothing of it can be computed, up to a border of the grid of chunks, before an image comes.</summary>
    internal bool IsStalled(int grid)
    {
        if (MissingImages.Count == 0)
        {
            return false;
        }

        var end = ComputableEnd();
        return (end < Length ? end - (end % grid) : end) <= Computed;
    }

    /// <summary>Its part of a step; the same object each time.</summary>
    internal SequenceSlice Slice(int count)
    {
        var end = Computed + count;
        _slice.Start = Computed;
        _slice.TokenIds = Ids.Slice(Computed, count);
        _slice.Images = ImagesIn(Computed, end);
        _slice.Sample = end == Length ? _sample : null;
        _sample.Index = Generated;
        _sample.PromptIds = Ids[..PromptLength];
        _sample.GeneratedIds = Ids[PromptLength..];
        return _slice;
    }

    private IReadOnlyList<ImageSlice> ImagesIn(int start, int end)
    {
        List<ImageSlice>? images = null;
        for (var i = 0; i < Request.Images.Count; i++)
        {
            var span = Request.Images[i];
            int first = Math.Max(span.Offset, start), last = Math.Min(span.End, end);
            if (first < last)
            {
                (images ??= []).Add(new ImageSlice(
                    span.Image, span.Width, span.Height, first - span.Offset, first - start, last - first));
            }
        }

        return images ?? (IReadOnlyList<ImageSlice>)[];
    }
}
