namespace LlavaCluster.Core.Sampling;

/// <summary>Steps 1 and 2 of sampling: what bias and penalties do to a row of logits, in place.</summary>
internal static class LogitRules
{
    /// <summary>True when these options leave every row as it is.</summary>
    public static bool ChangeNothing(SamplingOptions options)
        => options is { RepetitionPenalty: 1, PresencePenalty: 0, FrequencyPenalty: 0, LogitBias.Count: 0 };

    /// <summary>
    /// Logit bias; repetition penalty over prompt and answer (<c>RepetitionPenaltyLogitsProcessor</c> of transformers: each id once);
    /// presence and frequency penalty over the answer. Ids past the row, and the placeholder, are left alone.
    /// </summary>
    public static void Apply(
        Span<float> logits, SamplingOptions options, ReadOnlySpan<int> prompt, ReadOnlySpan<int> generated, int placeholderId)
    {
        foreach (var (id, bias) in options.LogitBias)
        {
            if ((uint)id < (uint)logits.Length)
            {
                logits[id] += bias;
            }
        }

        if (options.RepetitionPenalty != 1)
        {
            var seen = new HashSet<int>(1024);
            Penalise(logits, prompt, seen, options.RepetitionPenalty, placeholderId);
            Penalise(logits, generated, seen, options.RepetitionPenalty, placeholderId);
        }

        if (options.PresencePenalty != 0 || options.FrequencyPenalty != 0)
        {
            var seen = new HashSet<int>(generated.Length);
            foreach (var id in generated)
            {
                if ((uint)id < (uint)logits.Length && id != placeholderId)
                {
                    logits[id] -= options.FrequencyPenalty + (seen.Add(id) ? options.PresencePenalty : 0);
                }
            }
        }
    }

    private static void Penalise(Span<float> logits, ReadOnlySpan<int> ids, HashSet<int> seen, float penalty, int placeholderId)
    {
        foreach (var id in ids)
        {
            if ((uint)id < (uint)logits.Length && id != placeholderId && seen.Add(id))
            {
                logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
            }
        }
    }
}
