using System.Buffers;
using System.Diagnostics;

namespace LlavaCluster.Core.Sampling;

/// <summary>
/// The tokens that can still be drawn: top-k, top-p and min-p narrow it, in transformers' order and with its ties. Rows are never
/// sorted whole: top-k selects, top-p sorts only the few tokens near its edge. Ids stay in ascending order.
/// </summary>
internal ref struct CandidateSet
{
    /// <summary>Width in logits of a top-p bin, and how many there are: what lies lower shares the last.</summary>
    private const float BinsPerUnit = 16;
    private const int Bins = 1024;

    private readonly int[] _ids;
    private readonly float[] _logits;
    private readonly float _max;

    /// <summary>All tokens above minus infinity. <see cref="Dispose"/> gives the buffers back.</summary>
    /// <param name="logits">Already divided by the temperature.</param>
    /// <param name="max">Largest of them.</param>
    public CandidateSet(ReadOnlySpan<float> logits, float max)
    {
        _ids = ArrayPool<int>.Shared.Rent(logits.Length);
        _logits = ArrayPool<float>.Shared.Rent(logits.Length);
        _max = max;
        for (var id = 0; id < logits.Length; id++)
        {
            if (logits[id] > float.NegativeInfinity)
            {
                (_ids[Count], _logits[Count]) = (id, logits[id]);
                Count++;
            }
        }
    }

    /// <summary>How many tokens are left; at least 1.</summary>
    public int Count { get; private set; }

    /// <summary>Ids, ascending.</summary>
    public readonly ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>Their logits.</summary>
    public readonly ReadOnlySpan<float> Logits => _logits.AsSpan(0, Count);

    /// <summary>Keeps what is not below the k-th largest logit: tokens that tie with it stay.</summary>
    public void KeepTopK(int k)
    {
        if (k <= 0 || k >= Count)
        {
            return;
        }

        var scratch = ArrayPool<float>.Shared.Rent(Count);
        Logits.CopyTo(scratch);
        var edge = Select(scratch.AsSpan(0, Count), k - 1);
        ArrayPool<float>.Shared.Return(scratch);
        Keep(edge, int.MinValue);
    }

    /// <summary>
    /// Keeps a token as long as those above it have less than <paramref name="p"/> of the mass together; the best always. Among
    /// equal logits the higher id counts as above, as the reference's ascending stable sort has it.
    /// </summary>
    public void KeepTopP(float p)
    {
        if (p >= 1 || Count == 1)
        {
            return;
        }

        // 1. Mass of each bin of logits, best bin first. 2. The bin in which the mass reaches p. 3. Sort that bin alone.
        Span<double> mass = stackalloc double[Bins];
        mass.Clear();
        double total = 0;
        for (var i = 0; i < Count; i++)
        {
            var weight = Math.Exp((double)_logits[i] - _max);
            mass[Bin(_logits[i])] += weight;
            total += weight;
        }

        double above = 0, target = p * total;
        var bin = 0;
        while (bin < Bins - 1 && above + mass[bin] < target)
        {
            above += mass[bin++];
        }

        var members = ArrayPool<(float Logit, int Id)>.Shared.Rent(Count);
        var found = 0;
        for (var i = 0; i < Count; i++)
        {
            if (Bin(_logits[i]) == bin)
            {
                members[found++] = (_logits[i], _ids[i]);
            }
        }

        var ordered = members.AsSpan(0, found);
        ordered.Sort(static (x, y) => x.Logit != y.Logit ? y.Logit.CompareTo(x.Logit) : y.Id.CompareTo(x.Id));
        var (edge, edgeId) = (float.PositiveInfinity, 0);
        foreach (var (logit, id) in ordered)
        {
            if (above >= target && !float.IsPositiveInfinity(edge))
            {
                break;
            }

            (edge, edgeId) = (logit, id);
            above += Math.Exp((double)logit - _max);
        }

        ArrayPool<(float Logit, int Id)>.Shared.Return(members);
        Keep(edge, edgeId);
    }

    /// <summary>Keeps tokens at least <paramref name="share"/> times as probable as the best.</summary>
    public void KeepMinP(float share)
    {
        if (share > 0 && Count > 1)
        {
            // exp(x − max) ≥ share, with the logarithm taken once.
            Keep((float)(_max + Math.Log(share)), int.MinValue);
        }
    }

    /// <summary>Probabilities of <see cref="Ids"/>, in their order; their sum is 1 but for rounding.</summary>
    public readonly void Probabilities(Span<double> probabilities)
    {
        double total = 0;
        for (var i = 0; i < Count; i++)
        {
            total += probabilities[i] = Math.Exp((double)_logits[i] - _max);
        }

        for (var i = 0; i < Count; i++)
        {
            probabilities[i] /= total;
        }
    }

    /// <summary>The token at <paramref name="uniform"/> of the mass, counted in the order of ids.</summary>
    public readonly int Draw(double uniform)
    {
        var weights = ArrayPool<double>.Shared.Rent(Count);
        Probabilities(weights);
        var left = uniform;
        var chosen = _ids[0];
        for (var i = 0; i < Count; i++)
        {
            if (weights[i] == 0)
            {
                continue;
            }

            chosen = _ids[i];
            left -= weights[i];
            if (left < 0)
            {
                break;
            }
        }

        ArrayPool<double>.Shared.Return(weights);
        return chosen;
    }

    /// <summary>Gives the buffers back.</summary>
    public readonly void Dispose()
    {
        ArrayPool<int>.Shared.Return(_ids);
        ArrayPool<float>.Shared.Return(_logits);
    }

    private readonly int Bin(float logit) => (int)Math.Min(((double)_max - logit) * BinsPerUnit, Bins - 1);

    /// <summary>Keeps logits above <paramref name="edge"/>, and of those equal to it the ids from <paramref name="edgeId"/>.</summary>
    private void Keep(float edge, int edgeId)
    {
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            if (_logits[i] > edge || (_logits[i] == edge && _ids[i] >= edgeId))
            {
                (_ids[kept], _logits[kept]) = (_ids[i], _logits[i]);
                kept++;
            }
        }

        Debug.Assert(kept > 0, "The best token is never dropped.");
        Count = kept;
    }

    /// <summary>The value at <paramref name="index"/> of the row in descending order. Hoare's selection; reorders the row.</summary>
    private static float Select(Span<float> row, int index)
    {
        int low = 0, high = row.Length - 1;
        while (low < high)
        {
            var pivot = row[low + ((high - low) / 2)];
            int i = low, j = high;
            while (i <= j)
            {
                while (row[i] > pivot)
                {
                    i++;
                }

                while (row[j] < pivot)
                {
                    j--;
                }

                if (i <= j)
                {
                    (row[i], row[j]) = (row[j], row[i]);
                    i++;
                    j--;
                }
            }

            if (index <= j)
            {
                high = j;
            }
            else if (index >= i)
            {
                low = i;
            }
            else
            {
                break;
            }
        }

        return row[index];
    }
}
