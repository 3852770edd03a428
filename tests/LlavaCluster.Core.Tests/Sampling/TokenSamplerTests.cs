using System.Text.Json;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Sampling;

public sealed class TokenSamplerTests
{
    [Fact]
    public void Probabilities_GoldenSettings_EqualTransformers()
    {
        var golden = new GoldenTensors("sampling.safetensors");
        var logits = golden.Floats("logits");
        var history = golden.Longs("history").Select(id => (int)id).ToArray();
        var (rows, vocabulary) = ((int)golden.Shape("logits")[0], (int)golden.Shape("logits")[1]);
        using var json = JsonDocument.Parse(File.ReadAllText(GoldenFolder.Of("sampling.json")));
        var settings = json.RootElement.GetProperty("settings").EnumerateArray().ToArray();
        for (var i = 0; i < settings.Length; i++)
        {
            var options = Options(settings[i]);
            var expected = golden.Floats($"probabilities/{i}");
            for (var row = 0; row < rows; row++)
            {
                var ours = new double[vocabulary];
                var ids = history.AsMemory(row * 20, 20);

                // Half of the history stands in the prompt, half in the answer: the repetition penalty takes both.
                TokenSampler.Probabilities(logits.AsSpan(row * vocabulary, vocabulary), options, ids[..10], ids[10..], -1, ours);
                for (var id = 0; id < vocabulary; id++)
                {
                    var wanted = expected[(row * vocabulary) + id];
                    Assert.True(Math.Abs(wanted - ours[id]) <= 1e-5, $"{settings[i]}, row {row}, id {id}: {ours[id]}, not {wanted}");
                }
            }
        }

        Assert.Equal(12, settings.Length);
    }

    [Theory]
    [InlineData(0, 0.9f, 0f)]
    [InlineData(0, 0.5f, 0.02f)]
    [InlineData(40, 1f, 0f)]
    [InlineData(40, 0.7f, 0f)]
    [InlineData(0, 0.0001f, 0f)]
    [InlineData(0, 0.99999f, 0f)]
    public void Probabilities_RandomRows_EqualTheSortedDefinition(int topK, float topP, float minP)
    {
        var random = new Random(topK + (int)(topP * 100));
        var options = new SamplingOptions { Temperature = 0.8f, TopK = topK, TopP = topP, MinP = minP };
        foreach (var spread in new[] { 0f, 0.01f, 1f, 8f, 400f })
        {
            var logits = Enumerable.Range(0, 3000).Select(_ => (float)random.NextDouble() * spread).ToArray();
            logits[17] = float.NegativeInfinity;
            logits[5] = logits[6] = logits[2999]; // a tie
            var ours = new double[logits.Length];
            TokenSampler.Probabilities(logits, options, default, default, -1, ours);
            var expected = SortedDefinition(logits, options);
            Assert.Equal(expected.Count(p => p > 0), ours.Count(p => p > 0));
            Assert.All(expected.Zip(ours), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
        }
    }

    [Fact]
    public void Sample_GreedyTie_TakesTheLowestId()
        => Assert.Equal(1, Choose([0, 3, 1, 3], SamplingOptions.Greedy).Id);

    [Fact]
    public void Sample_SmallestTemperature_TakesTheLargestLogit()
        => Assert.Equal(2, Choose([0, -9000, 9000, 3], new SamplingOptions { Temperature = float.Epsilon }).Id);

    [Theory]
    [InlineData(float.NaN, "Logit 2 of 4 is not a number: the model's numbers overflowed or its weights are damaged. "
        + "Try another dtype, or check the checkpoint.")]
    [InlineData(float.PositiveInfinity, "Logit 2 of 4 is infinite: the model's numbers overflowed or its weights are damaged. "
        + "Try another dtype, or check the checkpoint.")]
    public void Sample_BadLogit_IsNamed(float bad, string message)
    {
        foreach (var temperature in new[] { 0f, 1f })
        {
            var options = new SamplingOptions { Temperature = temperature };
            Assert.Equal(message, Assert.Throws<BadLogitsException>(() => Choose([0, 1, bad, 2], options)).Message);
        }
    }

    [Fact]
    public void Sample_NoTokenAllowed_Throws()
    {
        var error = Assert.Throws<BadLogitsException>(() => Choose([float.NegativeInfinity, float.NegativeInfinity], SamplingOptions.Greedy));
        Assert.Equal("None of 2 logits is above minus infinity: no token is allowed.", error.Message);
    }

    [Fact]
    public void Sample_LogitBias_MovesTheChoice()
        => Assert.Equal(3, Choose([5, 4, 3, 0], new SamplingOptions { LogitBias = new Dictionary<int, float> { [3] = 6, [99] = 100 } }).Id);

    [Fact]
    public void Sample_PresencePenalty_CountsAnIdOnceAndOnlyInTheAnswer()
    {
        var options = new SamplingOptions { PresencePenalty = 1 };
        Assert.Equal(0, Choose([5, 4.5f, 0], options, prompt: [0, 0]).Id);
        Assert.Equal(1, Choose([5, 4.5f, 0], options, generated: [0]).Id);
        Assert.Equal(0, Choose([5, 3.5f, 0], options, generated: [0, 0, 0, 0]).Id);
    }

    [Fact]
    public void Sample_FrequencyPenalty_CountsEveryTime()
    {
        var options = new SamplingOptions { FrequencyPenalty = 1 };
        Assert.Equal(0, Choose([5, 3.5f, 0], options, generated: [0]).Id);
        Assert.Equal(1, Choose([5, 3.5f, 0], options, generated: [0, 0]).Id);
    }

    [Fact]
    public void Sample_RepetitionPenalty_LeavesThePlaceholderAndUnknownIdsAlone()
    {
        var options = new SamplingOptions { RepetitionPenalty = 2 };
        Assert.Equal(1, Choose([5, 4, 0], options, prompt: [0]).Id);
        Assert.Equal(0, Choose([5, 4, 0], options, prompt: [0, 0, 7], placeholder: 0).Id);
    }

    [Fact]
    public void Sample_LogProb_IsOfTheModelsOwnLogits()
    {
        float[] logits = [1, 2, 3, -1];
        var options = new SamplingOptions
        {
            Temperature = 0.1f,
            TopK = 1,
            LogProbs = 3,
            LogitBias = new Dictionary<int, float> { [0] = 50 },
        };
        var token = Choose(logits, options);
        var sum = Math.Log(logits.Sum(x => Math.Exp(x)));
        Assert.Equal(0, token.Id);
        Assert.Equal(1 - sum, token.LogProb, 1e-6);
        Assert.Equal([2, 1, 0], token.Top.Select(t => t.Id));
        Assert.All(token.Top, t => Assert.Equal(logits[t.Id] - sum, t.LogProb, 1e-6));
    }

    [Fact]
    public void Sample_TopLogProbsOfEqualLogits_AreTheLowestIds()
        => Assert.Equal([1, 3, 0], Choose([4, 5, 4, 5, 4], new SamplingOptions { LogProbs = 3 }).Top.Select(t => t.Id));

    [Theory]
    [InlineData(null)]
    [InlineData(0)]
    public void Sample_NoTopAsked_GivesNone(int? logProbs)
        => Assert.Empty(Choose([1, 2], new SamplingOptions { LogProbs = logProbs }).Top);

    [Fact]
    public void Sample_ManyPlaces_FollowsTheProbabilities()
    {
        float[] logits = [0, 1, 2, 0.5f];
        var options = new SamplingOptions { Temperature = 1 };
        var probabilities = new double[4];
        TokenSampler.Probabilities(logits, options, default, default, -1, probabilities);
        var counts = new int[4];
        for (var index = 0; index < 40_000; index++)
        {
            counts[TokenSampler.Sample(logits, new SampleRequest(options, 11, 3, index, default, default), -1).Id]++;
        }

        Assert.All(counts.Zip(probabilities), pair => Assert.Equal(pair.Second, pair.First / 40_000.0, 0.01));
    }

    private static SampledToken Choose(
        float[] logits, SamplingOptions options, int[]? prompt = null, int[]? generated = null, int placeholder = -1)
        => TokenSampler.Sample(logits, new SampleRequest(options, 1, 0, 0, prompt ?? [], generated ?? []), placeholder);

    /// <summary>The same by sorting the whole row.</summary>
    private static double[] SortedDefinition(float[] logits, SamplingOptions options)
    {
        var max = logits.Max();
        var rest = logits.Select((logit, id) => (Id: id, Logit: (logit - max) / options.Temperature))
            .Where(t => !float.IsNegativeInfinity(t.Logit)).OrderByDescending(t => t.Logit).ThenByDescending(t => t.Id).ToList();
        if (options.TopK > 0)
        {
            rest = [.. rest.Where(t => t.Logit >= rest[options.TopK - 1].Logit)];
        }

        var total = rest.Sum(t => Math.Exp(t.Logit));
        double above = 0;
        rest = [.. rest.Where((t, i) =>
        {
            var kept = i == 0 || above < options.TopP * total;
            above += Math.Exp(t.Logit);
            return kept;
        })];
        rest = [.. rest.Where(t => options.MinP == 0 || Math.Exp(t.Logit) >= options.MinP)];
        total = rest.Sum(t => Math.Exp(t.Logit));
        var result = new double[logits.Length];
        rest.ForEach(t => result[t.Id] = Math.Exp(t.Logit) / total);
        return result;
    }

    private static SamplingOptions Options(JsonElement setting)
    {
        float Get(string name, float otherwise) => setting.TryGetProperty(name, out var value) ? value.GetSingle() : otherwise;
        return new SamplingOptions
        {
            Temperature = Get("temperature", 1),
            TopK = (int)Get("top_k", 0),
            TopP = Get("top_p", 1),
            MinP = Get("min_p", 0),
            RepetitionPenalty = Get("repetition_penalty", 1),
        };
    }
}
