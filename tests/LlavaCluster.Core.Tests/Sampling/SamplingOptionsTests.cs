using LlavaCluster.Core.Sampling;
using Xunit;

namespace LlavaCluster.Core.Tests.Sampling;

public sealed class SamplingOptionsTests
{
    public static TheoryData<SamplingOptions> Good => new(
        SamplingOptions.Greedy,
        new() { Temperature = 100, TopK = int.MaxValue, TopP = 1, MinP = 1, RepetitionPenalty = 100, LogProbs = 20 },
        new() { Temperature = float.Epsilon, TopP = float.Epsilon, RepetitionPenalty = float.Epsilon, LogProbs = 0 },
        new() { PresencePenalty = 2, FrequencyPenalty = -2 },
        new() { PresencePenalty = -2, FrequencyPenalty = 2 },
        new() { LogitBias = new Dictionary<int, float> { [0] = -100, [99] = 100 } },
        new() { Stop = [.. Enumerable.Repeat(new string('x', 1024), 16)] });

    public static TheoryData<SamplingOptions, string> Bad => new()
    {
        { new() { Temperature = -0.1f }, "temperature is -0.1; it must be at least 0 and at most 100." },
        { new() { Temperature = 101 }, "temperature is 101; it must be at least 0 and at most 100." },
        { new() { Temperature = float.NaN }, "temperature is NaN; it must be at least 0 and at most 100." },
        { new() { TopK = -1 }, "top_k is -1; it must be at least 0." },
        { new() { TopP = 0 }, "top_p is 0; it must be above 0 and at most 1." },
        { new() { TopP = 1.1f }, "top_p is 1.1; it must be above 0 and at most 1." },
        { new() { MinP = -1 }, "min_p is -1; it must be at least 0 and at most 1." },
        { new() { MinP = 1.5f }, "min_p is 1.5; it must be at least 0 and at most 1." },
        { new() { RepetitionPenalty = 0 }, "repetition_penalty is 0; it must be above 0 and at most 100." },
        { new() { RepetitionPenalty = 101 }, "repetition_penalty is 101; it must be above 0 and at most 100." },
        { new() { PresencePenalty = -2.5f }, "presence_penalty is -2.5; it must be at least -2 and at most 2." },
        { new() { PresencePenalty = 2.5f }, "presence_penalty is 2.5; it must be at least -2 and at most 2." },
        { new() { FrequencyPenalty = -3 }, "frequency_penalty is -3; it must be at least -2 and at most 2." },
        { new() { FrequencyPenalty = 3 }, "frequency_penalty is 3; it must be at least -2 and at most 2." },
        { new() { LogProbs = -1 }, "logprobs is -1; it must be at least 0 and at most 20." },
        { new() { LogProbs = 21 }, "logprobs is 21; it must be at least 0 and at most 20." },
        { Biased(0, 101), "logit_bias of id 0 is 101; it must be at least -100 and at most 100." },
        { Biased(100, 1), "logit_bias names id 100; ids are 0 to 99." },
        { Biased(-1, 1), "logit_bias names id -1; ids are 0 to 99." },
        { new() { Stop = [""] }, "A stop text has 0 characters; it must have 1 to 1024." },
        { new() { Stop = [new string('x', 1025)] }, "A stop text has 1025 characters; it must have 1 to 1024." },
        { new() { Stop = [.. Enumerable.Repeat("x", 17)] }, "stop has 17 texts; at most 16 are taken." },
    };

    [Theory]
    [MemberData(nameof(Good))]
    public void Validate_EdgesOfTheRanges_FindsNothing(SamplingOptions options) => Assert.Empty(options.Validate(100));

    [Theory]
    [MemberData(nameof(Bad))]
    public void Validate_OneMistake_SaysValueAndRange(SamplingOptions options, string message)
        => Assert.Equal([message], options.Validate(100));

    [Fact]
    public void Validate_SeveralMistakes_SaysAll()
        => Assert.Equal(3, new SamplingOptions { Temperature = -1, TopP = 2, Stop = [""] }.Validate().Count);

    private static SamplingOptions Biased(int id, float bias) => new() { LogitBias = new Dictionary<int, float> { [id] = bias } };
}
