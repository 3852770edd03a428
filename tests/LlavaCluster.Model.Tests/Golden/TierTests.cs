using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Tiering;
using TorchSharp;
using Xunit;
using Xunit.Abstractions;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>
/// A conversation about a picture whose KV was taken from the device, to host memory or on to the disk, goes on with the tokens and the
/// log-probabilities, bit for bit, of one that stayed.
/// </summary>
public sealed class TierTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("vicuna", torch.ScalarType.Float32, KernelChoice.Torch, false, false)]
    [InlineData("vicuna", torch.ScalarType.Float32, KernelChoice.Fast, true, false)]
    [InlineData("mistral", torch.ScalarType.BFloat16, KernelChoice.Fast, false, false)]
    [InlineData("yi", torch.ScalarType.BFloat16, KernelChoice.Fast, true, false)]
    [InlineData("vicuna", torch.ScalarType.Float32, KernelChoice.Fast, true, true)]
    public async Task Generate_KvWasMovedDown_GivesTheBitsOfAHotTurn(
        string checkpoint, torch.ScalarType type, KernelChoice kernels, bool onDisk, bool damaged)
    {
        var model = GoldenModel.OnCpu(checkpoint, type);
        var golden = model.Case("strip");
        var first = RequestOf(model, golden, golden.TokenIds);
        // The answer's first token, then new words.
        var second = RequestOf(model, golden, [.. golden.TokenIds, .. golden.Tokens[..1], .. golden.TokenIds[^9..]]);
        var blocks = (second.TokenIds.Count / 16) + 3;
        var kept = (golden.TokenIds.Length + 11) / 16;
        var hot = await HotAsync(model, kernels, golden, first, second);

        var scratch = Directory.CreateTempSubdirectory("llava-kv-");
        try
        {
            var observer = new Failures();
            // What is idle is copied at once; with a disk also from host memory, which has room for this conversation only.
            var options = new DecodeLoopOptions { Tiers = new() { HostAfter = TimeSpan.Zero, DiskAfter = TimeSpan.Zero, GroupBlocks = 4 } };
            await using var loop = LoopOf(model, golden, options, observer, () => model.Runner(
                blocks: blocks, kernels: kernels, hostBlocks: onDisk ? kept : 1000, diskBlocks: onDisk ? 1000 : 0, folder: scratch.FullName));
            await loop.StartAsync();
            await AskAsync(loop, first);
            await UntilAsync(loop, tiers => (onDisk ? tiers.Disk : tiers.Host) == kept);
            await AskAsync(loop, RequestOf(model, golden, Enumerable.Repeat(7, (blocks * 16) - 20)) with { Images = [] });
            // Of the quarter that will be taken next, all but the few that hold nothing.
            await UntilAsync(loop, tiers => tiers.ToHost >= kept + (blocks / 4) - 4);
            if (damaged)
            {
                foreach (var file in scratch.GetFiles("*.kv", SearchOption.AllDirectories))
                {
                    using var content = file.Open(FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                    content.SetLength(file.Length / 2);
                }
            }

            var cold = await AskAsync(loop, second);

            var tiers = loop.Load.Tiers!;
            output.WriteLine($"{cold.Cached} of {second.TokenIds.Count} tokens cached, {tiers}");
            Assert.Equal(hot.Tokens, cold.Tokens);
            Assert.Equal(damaged, cold.Cached < hot.Cached);
            Assert.Equal(damaged, observer.Errors.Count > 0);
            Assert.InRange(tiers.FromHost + tiers.FromDisk, 1, kept);
            Assert.True(damaged || onDisk == tiers.FromDisk > 0);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    /// <summary>Two turns whose KV stays where it is: how much the second one found, its tokens and the bits of their log-probabilities.</summary>
    internal static async Task<(int Cached, string[] Tokens)> HotAsync(
        GoldenModel model, KernelChoice kernels, GoldenCase golden, SequenceRequest first, SequenceRequest second)
    {
        await using var loop = LoopOf(model, golden, new DecodeLoopOptions(), new NoObserver(), () => model.Runner(blocks: 1024, kernels: kernels));
        await loop.StartAsync();
        await AskAsync(loop, first);
        return await AskAsync(loop, second);
    }

    /// <summary>An engine over a golden model.</summary>
    internal static DecodeLoop LoopOf(
        GoldenModel model,
        GoldenCase golden,
        DecodeLoopOptions options,
        IEngineObserver observer,
        Func<IModelRunner> runner,
        IShardLink? link = null,
        IKvSource? moves = null,
        LentParts? lent = null) =>
        new(runner, link ?? new SingleRankLink(), new GoldenFeatures(model, golden), _ => new NeverStops(), TimeProvider.System, options, observer, moves, lent);

    /// <summary>One turn, as <see cref="HotAsync"/> tells it.</summary>
    internal static async Task<(int Cached, string[] Tokens)> AskAsync(DecodeLoop loop, SequenceRequest request)
    {
        var (cached, tokens) = (0, new List<string>());
        await foreach (var next in loop.GenerateAsync(request, CancellationToken.None))
        {
            cached += next is GenerationEvent.Started started ? started.CachedTokens : 0;
            if (next is GenerationEvent.Generated generated)
            {
                tokens.AddRange(generated.Tokens.Select(token => $"{token.Id} {BitConverter.SingleToInt32Bits(token.LogProb):x8}"));
            }
        }

        Assert.Equal(request.MaxTokens, tokens.Count);
        return (cached, [.. tokens]);
    }

    private static async Task UntilAsync(DecodeLoop loop, Func<TierCounts, bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition(loop.Load.Tiers!))
        {
            Assert.False(patience.IsCancellationRequested, $"After {Patience}: {loop.Load.Tiers}");
            await Task.Yield();
        }
    }

    /// <summary>A turn about the pictures of a case.</summary>
    internal static SequenceRequest RequestOf(GoldenModel model, GoldenCase golden, IEnumerable<int> ids) => new()
    {
        Name = golden.Name,
        TokenIds = [.. ids],
        Images = [.. golden.Images.Select(image =>
        {
            var features = model.Features(image.File);
            return new ImageSpan(image.At, image.Length, features.Image, features.Width, features.Height);
        })],
        Sampling = SamplingOptions.Greedy with { LogProbs = 0 },
        Seed = 0,
        Turn = 0,
        MaxTokens = 12,
    };

    private sealed class GoldenFeatures(GoldenModel model, GoldenCase golden) : IFeatureSource
    {
        public Task<ImageFeatures> GetAsync(ImageSpan span, string? encoder, CancellationToken cancellationToken) =>
            Task.FromResult(model.Features(golden.Images.First(image => GoldenModel.HashOf(image.File) == span.Image).File));
    }

    private sealed class NeverStops : IStopRule
    {
        public StopVerdict Push(int id) => new("", StopOutcome.GoesOn);

        public string Flush() => "";
    }

    /// <summary>Nothing may fail but moves, which are noted.</summary>
    internal sealed class Failures : IEngineObserver
    {
        public List<string> Errors { get; } = [];

        public void MoveFailed(TierMove move, Exception error) => Errors.Add(error.Message);

        public void StepFailed(IReadOnlyList<string> sequences, Exception error) => Assert.Fail(error.Message);

        public void ImageFailed(string image, IReadOnlyList<string> sequences, Exception error) => Assert.Fail(error.Message);

        public void SequenceAbandoned(string sequence, TimeSpan unread) => Assert.Fail(sequence);

        public void LoopFailed(Exception error) => Assert.Fail(error.Message);

        public void StepDone(int tokens, int sampled, TimeSpan took)
        {
        }
    }
}
