using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Grains.Contracts;

/// <summary><see cref="SamplingOptions"/> on the wire; fields mean the same.</summary>
[GenerateSerializer, Immutable, Alias("llava.Sampling")]
public sealed record SamplingMessage
{
    /// <inheritdoc cref="SamplingOptions.Temperature"/>
    [Id(0)]
    public float Temperature { get; init; }

    /// <inheritdoc cref="SamplingOptions.TopK"/>
    [Id(1)]
    public int TopK { get; init; }

    /// <inheritdoc cref="SamplingOptions.TopP"/>
    [Id(2)]
    public float TopP { get; init; } = 1;

    /// <inheritdoc cref="SamplingOptions.MinP"/>
    [Id(3)]
    public float MinP { get; init; }

    /// <inheritdoc cref="SamplingOptions.RepetitionPenalty"/>
    [Id(4)]
    public float RepetitionPenalty { get; init; } = 1;

    /// <inheritdoc cref="SamplingOptions.PresencePenalty"/>
    [Id(5)]
    public float PresencePenalty { get; init; }

    /// <inheritdoc cref="SamplingOptions.FrequencyPenalty"/>
    [Id(6)]
    public float FrequencyPenalty { get; init; }

    /// <inheritdoc cref="SamplingOptions.LogitBias"/>
    [Id(7)]
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    /// <inheritdoc cref="SamplingOptions.Seed"/>
    [Id(8)]
    public ulong? Seed { get; init; }

    /// <inheritdoc cref="SamplingOptions.Stop"/>
    [Id(9)]
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <inheritdoc cref="SamplingOptions.LogProbs"/>
    [Id(10)]
    public int? LogProbs { get; init; }

    /// <summary>The wire form of these options.</summary>
    public static SamplingMessage From(SamplingOptions options) => new()
    {
        Temperature = options.Temperature,
        TopK = options.TopK,
        TopP = options.TopP,
        MinP = options.MinP,
        RepetitionPenalty = options.RepetitionPenalty,
        PresencePenalty = options.PresencePenalty,
        FrequencyPenalty = options.FrequencyPenalty,
        LogitBias = new Dictionary<int, float>(options.LogitBias),
        Seed = options.Seed,
        Stop = [.. options.Stop],
        LogProbs = options.LogProbs,
    };

    /// <summary>The options of this wire form.</summary>
    public SamplingOptions ToOptions() => new()
    {
        Temperature = Temperature,
        TopK = TopK,
        TopP = TopP,
        MinP = MinP,
        RepetitionPenalty = RepetitionPenalty,
        PresencePenalty = PresencePenalty,
        FrequencyPenalty = FrequencyPenalty,
        LogitBias = LogitBias,
        Seed = Seed,
        Stop = Stop,
        LogProbs = LogProbs,
    };
}
