extern alias silo;
using System.Diagnostics;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Grains.Placement;
using Microsoft.Extensions.Configuration;
using silo::LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Benchmarks.Cluster;

/// <summary>The engine of a silo in this process, called without anything between.</summary>
internal sealed class DirectEngine : ITurns, IAsyncDisposable
{
    private readonly EngineSet _engines;
    private readonly IReadOnlyList<int> _ids;
    private int _turns;

    private DirectEngine(EngineSet engines, IReadOnlyList<int> ids) => (_engines, _ids) = (engines, ids);

    /// <inheritdoc/>
    public TimeSpan ProcessorTime
    {
        get
        {
            using var self = Process.GetCurrentProcess();
            return self.TotalProcessorTime;
        }
    }

    /// <summary>Loads a checkpoint.</summary>
    public static async Task<DirectEngine> StartAsync(ServedCheckpoint checkpoint, CancellationToken cancellationToken)
    {
        var settings = NodeSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(checkpoint.Settings).Build());
        var model = ServedModel.Open(settings.Model);
        settings.Model.Dtype = model.ComputeType(settings.Model.Dtype);
        var parts = new ModelParts(model, settings.Model, SiloRoles.Decoder);
        var engines = new EngineSet(parts, model, settings, SiloRoles.Decoder, _ => new NoPictures(), TimeProvider.System);
        await engines.StartAsync(new Quiet(), cancellationToken);
        return new DirectEngine(engines, model.Prompts.Conversation([ChatMessage.Of(ChatRole.User, ITurns.Question)], []).TokenIds);
    }

    /// <inheritdoc/>
    public async Task<TurnTimes> TurnAsync(int tokens, CancellationToken cancellationToken)
    {
        var request = new SequenceRequest
        {
            Name = $"turn {Interlocked.Increment(ref _turns)}",
            TokenIds = _ids,
            Images = [],
            Sampling = SamplingOptions.Greedy with { LogitBias = new Dictionary<int, float>([ITurns.Endless]) },
            Seed = 0,
            Turn = 0,
            MaxTokens = tokens,
        };
        var made = 0;
        var began = Stopwatch.GetTimestamp();
        var first = default(TimeSpan);
        var engine = new TurnTimings(default, default, default);
        await foreach (var happened in _engines.Decoder!.GenerateAsync(request, cancellationToken))
        {
            first = made == 0 ? Stopwatch.GetElapsedTime(began) : first;
            made += happened is GenerationEvent.Generated generated ? generated.Tokens.Count : 0;
            engine = (happened as GenerationEvent.Finished)?.Timings ?? engine;
        }

        var whole = Stopwatch.GetElapsedTime(began);

        if (made != tokens)
        {
            throw new InvalidOperationException($"An answer has {made} tokens instead of {tokens}.");
        }

        return new TurnTimes(first, whole, engine.Queued + engine.Prefill, engine.Queued + engine.Prefill + engine.Decode);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _engines.DisposeAsync();

    private sealed class Quiet : ILoadProgress
    {
        public void Report(long bytesDone, long bytesTotal)
        {
            // A few hundred kilobytes: nobody waits.
        }
    }

    private sealed class NoPictures : IFeatureSource
    {
        public Task<ImageFeatures> GetAsync(ImageSpan span, string? encoder, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("The turns of this benchmark have no pictures.");
    }
}
