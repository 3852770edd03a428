using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Core.Tests.Engine;

/// <summary>A decode loop over a fake runner, and what tests ask of it.</summary>
internal sealed class DecodeLoopHost : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private DecodeLoopHost(DecodeLoop loop, FakeModelRunner runner, FakeFeatureSource features, FakeTimeProvider time, RecordingObserver observer) =>
        (Loop, Runner, Features, Time, Observer) = (loop, runner, features, time, observer);

    public DecodeLoop Loop { get; }

    public FakeModelRunner Runner { get; }

    public FakeFeatureSource Features { get; }

    public FakeTimeProvider Time { get; }

    public RecordingObserver Observer { get; }

    public static async Task<DecodeLoopHost> StartAsync(
        DecodeLoopOptions? options = null,
        int blocks = 64,
        int maxPositions = 1024,
        Func<int, bool>? isEnd = null,
        IShardLink? link = null,
        Func<FakeModelRunner, IBlockMover>? mover = null,
        IKvSource? moves = null,
        LentParts? lent = null)
    {
        var runner = new FakeModelRunner(new RunnerCapacity(blocks, 16, maxPositions, FakeModel.Vocabulary));
        runner.Mover = mover?.Invoke(runner);
        var features = new FakeFeatureSource();
        var time = new FakeTimeProvider();
        var observer = new RecordingObserver();
        var loop = new DecodeLoop(
            () => runner, link ?? new SingleRankLink(), features, _ => new FakeStopRule(isEnd), time, options ?? new DecodeLoopOptions(), observer, moves, lent);
        await loop.StartAsync().WaitAsync(Patience);
        return new DecodeLoopHost(loop, runner, features, time, observer);
    }

    public static SequenceRequest Request(int[] ids, int maxTokens = 10, ImageSpan[]? images = null, ulong? seed = null, string tenant = "", int choices = 1) => new()
    {
        Name = "session/turn",
        TokenIds = ids,
        Images = images ?? [],
        Sampling = new SamplingOptions { Temperature = seed is null ? 0 : 1 },
        Seed = seed ?? 0,
        Turn = 0,
        MaxTokens = maxTokens,
        Tenant = tenant,
        Choices = choices,
    };

    public static int[] Prompt(int length, int salt = 0) => [.. Enumerable.Range(0, length).Select(i => 20 + ((i * 7) + (salt * 131)) % 900)];

    public async Task<List<GenerationEvent>> AllAsync(SequenceRequest request, CancellationToken cancellationToken = default)
    {
        var events = new List<GenerationEvent>();
        await foreach (var next in Loop.GenerateAsync(request, cancellationToken))
        {
            events.Add(next);
        }

        return events;
    }

    public async Task<int[]> TokensAsync(SequenceRequest request) => TokensOf(await AllAsync(request).WaitAsync(Patience));

    public static int[] TokensOf(IEnumerable<GenerationEvent> events, int choice = 0) =>
        [.. events.OfType<GenerationEvent.Generated>().Where(e => e.Choice == choice).SelectMany(e => e.Tokens).Select(t => t.Id)];

    public static string TextOf(IEnumerable<GenerationEvent> events) => string.Concat(events.Select(e => e switch
    {
        GenerationEvent.Generated generated => generated.Text,
        GenerationEvent.Finished finished => finished.Text,
        _ => "",
    }));

    /// <summary>Waits until the engine says so; it says so between steps.</summary>
    public async Task UntilAsync(Func<EngineLoad, bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition(Loop.Load))
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Loop.StopAsync().WaitAsync(Patience);
        Assert.True(Runner.IsDisposed);
    }
}
