namespace LlavaCluster.Core.Sampling;

/// <summary>
/// How an answer's tokens are chosen. The defaults are greedy. Order of the steps, as transformers has it: logit bias, repetition,
/// presence and frequency penalty, temperature, top-k, top-p, min-p.
/// </summary>
public sealed record SamplingOptions
{
    /// <summary>Greedy, no penalties.</summary>
    public static SamplingOptions Greedy { get; } = new();

    /// <summary>Logits are divided by this; 0 takes the largest. 0–100.</summary>
    public float Temperature { get; init; }

    /// <summary>Only the k most probable tokens; 0: all.</summary>
    public int TopK { get; init; }

    /// <summary>Only the smallest set of tokens whose probability reaches this. In (0, 1]; 1: all.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Only tokens at least this times as probable as the best. 0–1; 0: all.</summary>
    public float MinP { get; init; }

    /// <summary>Logits of ids in prompt and answer are divided (positive) or multiplied (negative) by this. Above 0; 1: off.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Taken off the logits of ids that the answer has. −2 … 2.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Taken off the logits of ids, times their count in the answer. −2 … 2.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of these ids.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    /// <summary>Seed of this turn; null: one is drawn and told.</summary>
    public ulong? Seed { get; init; }

    /// <summary>The answer ends before the first of these texts.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Log-probabilities per token: null for none, 0 for the chosen token's, n for the n most probable beside it. At most 20.</summary>
    public int? LogProbs { get; init; }

    /// <summary>Most texts in <see cref="Stop"/>.</summary>
    public const int MaxStops = 16;

    /// <summary>Most characters of a text in <see cref="Stop"/>.</summary>
    public const int MaxStopLength = 1024;

    /// <summary>Most ids in <see cref="LogitBias"/>.</summary>
    public const int MaxBiases = 1024;

    /// <summary>Largest <see cref="LogProbs"/>.</summary>
    public const int MaxLogProbs = 20;

    /// <summary>All mistakes at once, each a sentence with the value and the range; empty when there is none.</summary>
    /// <param name="vocabularySize">Ids that <see cref="LogitBias"/> may name are 0 … this − 1; null: any from 0.</param>
    public IReadOnlyList<string> Validate(int? vocabularySize = null)
    {
        var mistakes = new List<string>();
        void Range(string name, float value, float low, float high, bool lowExcluded = false)
        {
            // Written so that NaN is outside too.
            if (!(value >= low && value <= high) || (lowExcluded && value == low))
            {
                mistakes.Add(FormattableString.Invariant(
                    $"{name} is {value}; it must be {(lowExcluded ? $"above {low}" : $"at least {low}")} and at most {high}."));
            }
        }

        Range("temperature", Temperature, 0, 100);
        if (TopK < 0)
        {
            mistakes.Add($"top_k is {TopK}; it must be at least 0.");
        }

        Range("top_p", TopP, 0, 1, lowExcluded: true);
        Range("min_p", MinP, 0, 1);
        Range("repetition_penalty", RepetitionPenalty, 0, 100, lowExcluded: true);
        Range("presence_penalty", PresencePenalty, -2, 2);
        Range("frequency_penalty", FrequencyPenalty, -2, 2);
        Range("logprobs", LogProbs ?? 0, 0, MaxLogProbs);
        if (LogitBias.Count > MaxBiases)
        {
            mistakes.Add($"logit_bias names {LogitBias.Count} ids; at most {MaxBiases} are taken.");
        }

        foreach (var (id, bias) in LogitBias.Take(MaxBiases))
        {
            Range($"logit_bias of id {id}", bias, -100, 100);
            if (id < 0 || id >= (vocabularySize ?? int.MaxValue))
            {
                mistakes.Add($"logit_bias names id {id}; ids are 0 to {(vocabularySize ?? int.MaxValue) - 1}.");
            }
        }

        if (Stop.Count > MaxStops)
        {
            mistakes.Add($"stop has {Stop.Count} texts; at most {MaxStops} are taken.");
        }

        foreach (var text in Stop.Take(MaxStops))
        {
            if (text.Length is 0 or > MaxStopLength)
            {
                mistakes.Add($"A stop text has {text.Length} characters; it must have 1 to {MaxStopLength}.");
            }
        }

        return mistakes;
    }
}
