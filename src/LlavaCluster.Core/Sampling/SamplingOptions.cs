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
}
