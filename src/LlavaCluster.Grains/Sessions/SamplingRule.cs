using System.Globalization;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>Ranges of sampling options. Pure.</summary>
internal static class SamplingRule
{
    /// <summary>One sentence per option out of its range, each with value and limit.</summary>
    public static IReadOnlyList<string> Mistakes(SamplingMessage sampling, SessionOptions options)
    {
        var mistakes = new List<string>();
        InRange("temperature", sampling.Temperature, 0, 100);
        InRange("top_k", sampling.TopK, 0, int.MaxValue);
        Require(sampling.TopP is > 0 and <= 1, $"top_p is {sampling.TopP}; it must be above 0 and at most 1.");
        InRange("min_p", sampling.MinP, 0, 1);
        Require(
            sampling.RepetitionPenalty is > 0 and < float.PositiveInfinity,
            $"repetition_penalty is {sampling.RepetitionPenalty}; it must be above 0.");
        InRange("presence_penalty", sampling.PresencePenalty, -2, 2);
        InRange("frequency_penalty", sampling.FrequencyPenalty, -2, 2);
        Require(sampling.LogProbs is null or (>= 0 and <= 20), $"logprobs is {sampling.LogProbs}; it must be 0 to 20.");
        Require(
            sampling.Stop.Count <= options.MaxStopTexts,
            $"The turn has {sampling.Stop.Count} stop texts; at most {options.MaxStopTexts} are taken.");
        Require(sampling.Stop.All(text => text.Length > 0), $"A stop text is empty; leave it out.");
        foreach (var (id, bias) in sampling.LogitBias)
        {
            Require(float.IsFinite(bias), $"The logit bias of token {id} is {bias}; it must be a finite number.");
        }

        return mistakes;

        void InRange(string name, double value, double least, double most) =>
            Require(value >= least && value <= most, $"{name} is {value}; it must be {least} to {most}.");

        void Require(bool holds, FormattableString sentence)
        {
            if (!holds)
            {
                mistakes.Add(sentence.ToString(CultureInfo.InvariantCulture));
            }
        }
    }
}
