using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sampling;
using Xunit;
using Xunit.Abstractions;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>
/// The whole engine over the real runner in float32: whatever company a sequence has, however its prompt is cut, with its beginning
/// from the cache or not, undisturbed or preempted, it answers with the reference's tokens.
/// </summary>
public sealed class EngineTests(ITestOutputHelper output)
{
    private static readonly string[] Names = ["text-only", "strip", "tiny", "grey", "alpha"];

    [Theory]
    [InlineData("vicuna", 128, 64, false)]
    [InlineData("mistral", 1000, 16, true)]
    [InlineData("yi", 333, 48, false)]
    [InlineData("llava15", 96, 1, false)]
    public async Task Generate_InCompany_GivesTheReferenceTokens(string checkpoint, int stepTokens, int chunkTokens, bool tight)
    {
        var model = GoldenModel.Of(checkpoint);
        // Tight: four begin together, but there is no room for all their answers, which take two more blocks each.
        var cases = Names[(tight ? 1 : 0)..].Select(model.Case).ToArray();
        var blocks = tight ? cases.Sum(golden => (golden.TokenIds.Length + 15) / 16) + 3 : 1024;
        var requests = cases.Select(golden => RequestOf(model, golden)).ToArray();
        await using var loop = new DecodeLoop(
            () => model.Runner(blocks: blocks),
            new SingleRankLink(),
            new GoldenFeatures(model, cases),
            _ => new NeverStops(),
            TimeProvider.System,
            new DecodeLoopOptions { StepTokens = stepTokens, ChunkTokens = chunkTokens, MaxRunning = 8 });
        await loop.StartAsync();

        // Blocks run out only after a while; the rest is known after a few tokens.
        var tokens = tight ? 40 : 12;
        var fresh = await Task.WhenAll(cases.Zip(requests, (golden, request) => CheckAsync(loop, request, golden, tokens)));
        var again = await Task.WhenAll(cases.Zip(requests, (golden, request) => CheckAsync(loop, request, golden, tokens)));

        output.WriteLine($"{checkpoint}: {fresh.Sum(r => r.Cached)} and {again.Sum(r => r.Cached)} tokens from the cache, "
            + $"{fresh.Sum(r => r.Preemptions)} and {again.Sum(r => r.Preemptions)} preemptions");
        Assert.Equal(tight, fresh.Sum(r => r.Preemptions) > 0);
        Assert.True(tight || again[1..].All(r => r.Cached > 500), "The second time all but the last block should be in the cache.");
        Assert.Equal(blocks, loop.Load.FreeBlocks);
    }

    [Theory]
    [InlineData("vicuna", "tiny")]
    [InlineData("mistral", "text-only")]
    public async Task Generate_SeveralAnswers_EachGivesTheReferenceTokens(string checkpoint, string name)
    {
        var model = GoldenModel.Of(checkpoint);
        await using var loop = new DecodeLoop(
            () => model.Runner(),
            new SingleRankLink(),
            new GoldenFeatures(model, [model.Case(name)]),
            _ => new NeverStops(),
            TimeProvider.System,
            new DecodeLoopOptions());
        await loop.StartAsync();

        await CheckAsync(loop, RequestOf(model, model.Case(name)), model.Case(name), tokens: 20, choices: 3);
    }

    private static async Task<(int Cached, int Preemptions)> CheckAsync(
        DecodeLoop loop, SequenceRequest request, GoldenCase golden, int tokens, int choices = 1)
    {
        var answers = Enumerable.Range(0, choices).Select(_ => new List<int>()).ToArray();
        var (cached, preemptions) = (0, 0);
        await foreach (var next in loop.GenerateAsync(request with { MaxTokens = tokens, Choices = choices }, default))
        {
            cached += next is GenerationEvent.Started started ? started.CachedTokens : 0;
            preemptions += next is GenerationEvent.Finished finished ? finished.Timings.Preemptions : 0;
            if (next is GenerationEvent.Generated generated)
            {
                answers[next.Choice].AddRange(generated.Tokens.Select(token => token.Id));
            }
        }

        Assert.All(answers, answer => Assert.Equal(
            $"{golden.Name}: {string.Join(' ', golden.Tokens[..tokens])}", $"{golden.Name}: {string.Join(' ', answer)}"));
        return (cached, preemptions);
    }

    private static SequenceRequest RequestOf(GoldenModel model, GoldenCase golden) => new()
    {
        Name = golden.Name,
        TokenIds = golden.TokenIds,
        Images = [.. golden.Images.Select(image =>
        {
            var features = model.Features(image.File);
            return new ImageSpan(image.At, image.Length, features.Image, features.Width, features.Height);
        })],
        Sampling = SamplingOptions.Greedy,
        Seed = 0,
        Turn = 0,
        MaxTokens = golden.Tokens.Length,
    };

    private sealed class GoldenFeatures(GoldenModel model, IEnumerable<GoldenCase> cases) : IFeatureSource
    {
        private readonly string[] _files = [.. cases.SelectMany(golden => golden.Images).Select(image => image.File).Distinct()];

        public Task<ImageFeatures> GetAsync(ImageSpan span, string? encoder, CancellationToken cancellationToken) =>
            Task.FromResult(model.Features(_files.First(file => GoldenModel.HashOf(file) == span.Image)));
    }

    /// <summary>The reference's answers go on past the end of the sequence.</summary>
    private sealed class NeverStops : IStopRule
    {
        public StopVerdict Push(int id) => new("", StopOutcome.GoesOn);

        public string Flush() => "";
    }
}
