using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Scheduling;

/// <summary>One turn inside the scheduler: its ids so far, how many of them are computed, and where their KV lies. Engine thread only.</summary>
public sealed class Sequence
{
    private int[] _ids;

    /// <summary>Takes a request that was admitted.</summary>
    /// <param name="number">Number of the sequence in its engine; younger ones have larger numbers.</param>
    /// <param name="request">The request.</param>
    /// <param name="maxTokens">Most tokens to generate, cut to what the context holds.</param>
    /// <param name="blockTokens">Positions of a block.</param>
    public Sequence(long number, SequenceRequest request, int maxTokens, int blockTokens)
    {
        Number = number;
        Request = request;
        MaxTokens = maxTokens;
        PromptLength = Length = request.TokenIds.Count;
        _ids = new int[Length + Math.Min(maxTokens, 256)];
        for (var i = 0; i < Length; i++)
        {
            _ids[i] = request.TokenIds[i];
        }

        Keys = new BlockKeys(blockTokens, request.Tenant, request.Images);
    }

    /// <summary>Number of the sequence in its engine.</summary>
    public long Number { get; }

    /// <summary>What was asked.</summary>
    public SequenceRequest Request { get; }

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

    /// <summary>True from its first taking up on; stays true when it is put back into the queue.</summary>
    public bool Started { get; internal set; }

    /// <summary>Images whose features a runner does not have yet: the sequence is computed only up to the first of them.</summary>
    public HashSet<ImageHash> MissingImages { get; } = [];

    internal BlockKeys Keys { get; }

    internal int PublishedBlocks { get; set; }

    /// <summary>Ids so far. The memory is not changed later: a longer sequence only writes behind it.</summary>
    public ReadOnlyMemory<int> Ids => _ids.AsMemory(0, Length);

    /// <summary>Adds a generated token.</summary>
    public void Append(int id)
    {
        if (Length == _ids.Length)
        {
            Array.Resize(ref _ids, _ids.Length * 2);
        }

        _ids[Length++] = id;
    }

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

    internal SequenceSlice Slice(int count, int blockTokens)
    {
        var end = Computed + count;
        var images = new List<ImageSlice>();
        foreach (var span in Request.Images)
        {
            int first = Math.Max(span.Offset, Computed), last = Math.Min(span.End, end);
            if (first < last)
            {
                images.Add(new ImageSlice(
                    span.Image, span.Width, span.Height, first - span.Offset, first - Computed, last - first));
            }
        }

        var sample = end == Length
            ? new SampleRequest(
                Request.Sampling, Request.Seed, Request.Turn, Generated, Ids[..PromptLength], Ids[PromptLength..])
            : null;
        var blocks = Blocks.GetRange(0, (end + blockTokens - 1) / blockTokens);
        return new SequenceSlice(Number, Computed, Ids.Slice(Computed, count), images, blocks, sample);
    }
}
