namespace LlavaCluster.Core.Checkpoint;

/// <summary>A contiguous part of a tensor along one dimension.</summary>
/// <param name="Dimension">0 or 1.</param>
/// <param name="Start">First index.</param>
/// <param name="Length">How many.</param>
public readonly record struct ShardSlice(int Dimension, long Start, long Length);

/// <summary>
/// Which part of the language model one rank of a replica holds (Megatron's split): query heads, MLP columns and vocabulary
/// rows are cut, o and down projections along their inputs, norms and projector are whole on every rank.
/// <code>
/// 14 query heads over 2 KV heads on 7 ranks; a rank holds the KV heads that its query heads look at:
/// query  0 1 | 2 3 | 4 5 | 6 7 | 8 9 | 10 11 | 12 13
/// KV     0   | 0   | 0   | 0 1 | 1   | 1     | 1
/// </code>
/// </summary>
public sealed class ShardPlan
{
    private readonly TextConfig _text;

    /// <summary>The part of rank <paramref name="rank"/> of <paramref name="ranks"/>.</summary>
    /// <exception cref="BadCheckpointException">
    /// The query heads do not divide by the ranks, or there are more ranks than columns to share.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">No such rank.</exception>
    public ShardPlan(TextConfig text, int rank, int ranks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, ranks);
        if (text.Heads % ranks != 0)
        {
            throw new BadCheckpointException(
                $"num_attention_heads {text.Heads} does not divide by {ranks} ranks. Take a number of ranks that divides it.");
        }

        foreach (var (name, size) in ((string, int)[])[("intermediate_size", text.Intermediate), ("vocab_size", text.VocabularySize)])
        {
            if (size < ranks)
            {
                throw new BadCheckpointException($"{name} {size} is less than {ranks} ranks. Take fewer ranks.");
            }
        }

        (_text, Rank, Ranks) = (text, rank, ranks);
        Heads = text.Heads / ranks;
        FirstHead = rank * Heads;
        var queriesPerKv = text.Heads / text.KvHeads;
        FirstKvHead = FirstHead / queriesPerKv;
        KvHeads = ((FirstHead + Heads - 1) / queriesPerKv) - FirstKvHead + 1;
        KvHeadOfQuery = [.. Enumerable.Range(FirstHead, Heads).Select(h => (h / queriesPerKv) - FirstKvHead)];
        (FirstInner, Inner) = Share(text.Intermediate);
        (FirstToken, Tokens) = Share(text.VocabularySize);
    }

    /// <summary>This rank, from 0.</summary>
    public int Rank { get; }

    /// <summary>Ranks of the replica.</summary>
    public int Ranks { get; }

    /// <summary>The first query head of this rank, numbered in the whole model.</summary>
    public int FirstHead { get; }

    /// <summary>Query heads of this rank.</summary>
    public int Heads { get; }

    /// <summary>The first KV head of this rank, numbered in the whole model.</summary>
    public int FirstKvHead { get; }

    /// <summary>KV heads of this rank; over all ranks more than the model has when some are held twice.</summary>
    public int KvHeads { get; }

    /// <summary>For every query head of this rank (local number) the local number of its KV head. Never falls.</summary>
    public IReadOnlyList<int> KvHeadOfQuery { get; }

    /// <summary>The first MLP column of this rank.</summary>
    public int FirstInner { get; }

    /// <summary>MLP columns of this rank.</summary>
    public int Inner { get; }

    /// <summary>The first token id of this rank's rows of embedding and output layer.</summary>
    public int FirstToken { get; }

    /// <summary>Rows of embedding and output layer on this rank.</summary>
    public int Tokens { get; }

    /// <summary>The slice of a tensor that this rank holds, or null: all of it.</summary>
    /// <param name="name">Our name.</param>
    public ShardSlice? SliceOf(string name)
    {
        if (Ranks == 1)
        {
            return null;
        }

        if (name is TensorCatalog.Embedding or TensorCatalog.OutputLayer)
        {
            return new ShardSlice(0, FirstToken, Tokens);
        }

        if (!name.StartsWith("language_model.layers.", StringComparison.Ordinal))
        {
            return null;
        }

        long width = _text.HeadDim;
        return name.Split('.')[^2] switch
        {
            "q_proj" => new ShardSlice(0, FirstHead * width, Heads * width),
            "k_proj" or "v_proj" => new ShardSlice(0, FirstKvHead * width, KvHeads * width),
            "o_proj" => new ShardSlice(1, FirstHead * width, Heads * width),
            "gate_proj" or "up_proj" => new ShardSlice(0, FirstInner, Inner),
            "down_proj" => new ShardSlice(1, FirstInner, Inner),
            _ => null,
        };
    }

    /// <summary>This rank's share of n things: from rank·n/ranks to (rank + 1)·n/ranks.</summary>
    private (int First, int Count) Share(int n)
    {
        var first = (int)((long)Rank * n / Ranks);
        return (first, (int)((Rank + 1L) * n / Ranks) - first);
    }
}
