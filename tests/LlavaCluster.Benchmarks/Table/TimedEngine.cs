using System.Collections.Concurrent;
using System.Diagnostics;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Weights;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>
/// Decode loop, scheduler, prefix cache and both models of a checkpoint, without grains and edge. An image's features are computed when
/// the engine asks for them, and then kept as an encoder keeps them, within a byte budget.
/// </summary>
internal sealed class TimedEngine : IFeatureSource, IAsyncDisposable
{
    private const long UsualFeatures = 256 << 20;

    private readonly ConcurrentDictionary<ImageHash, Func<ImageTiles>> _pictures = new();
    private readonly ByteBoundedCache<ImageHash, ImageFeatures> _features;
    private readonly VisionEncoder _tower;
    private readonly Lock _encoding = new();
    private readonly DecodeLoop _loop;

    /// <summary>Loads the vision tower; the rest is loaded by <see cref="StartAsync"/>.</summary>
    /// <param name="run">Device and kernels.</param>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="kvBlocks">Blocks of 16 positions.</param>
    /// <param name="featureBytes">Features that are kept, bytes.</param>
    public TimedEngine(TableRun run, string folder, int kvBlocks, long featureBytes = UsualFeatures)
        : this(run, folder, new ModelRunnerOptions { KvBlocks = kvBlocks, Kernels = run.Kernels }, new KvTierOptions(), featureBytes)
    {
    }

    /// <summary>As the other, with slower memory for KV.</summary>
    /// <param name="run">Device.</param>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="options">KV blocks on the device and below.</param>
    /// <param name="tiers">When they move.</param>
    /// <param name="featureBytes">Features that are kept, bytes.</param>
    public TimedEngine(TableRun run, string folder, ModelRunnerOptions options, KvTierOptions tiers, long featureBytes = UsualFeatures)
    {
        _features = new ByteBoundedCache<ImageHash, ImageFeatures>(featureBytes);
        var device = run.Device;
        Config = LlavaConfigReader.Read(folder);
        using var weights = new CheckpointWeights(folder, Config, device.Device, device.Type);
        _tower = new VisionEncoder(Config, weights, device);
        _loop = new DecodeLoop(
            () =>
            {
                using var own = new CheckpointWeights(folder, Config, device.Device, device.Type);
                return new ModelRunner(Config, own, device, new SingleRank(), options);
            },
            new SingleRankLink(),
            this,
            _ => new NeverStops(),
            TimeProvider.System,
            new DecodeLoopOptions { Tiers = tiers });
    }

    public LlavaConfig Config { get; }

    /// <summary>Where KV blocks are; null: on the device only.</summary>
    public TierCounts? Tiers => _loop.Load.Tiers;

    /// <summary>Completes when the engine takes requests.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => _loop.StartAsync(cancellationToken);

    /// <summary>Adds a picture of noise; its tiles are drawn when they are needed.</summary>
    /// <returns>Its place behind <paramref name="offset"/> tokens.</returns>
    public ImageSpan AddPicture(int seed, int width, int height, int offset)
    {
        var hash = NoisePicture.HashOf(seed);
        _pictures[hash] = () => NoisePicture.Of(Config, width, height, seed);
        return new ImageSpan(offset, AnyResGrid.Layout(Config.Images, width, height).Tokens, hash, width, height);
    }

    /// <summary>Runs a turn.</summary>
    /// <param name="ids">All ids of the conversation so far.</param>
    /// <param name="images">Its images.</param>
    /// <param name="tokens">Tokens of the answer.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<TimedTurn> AskAsync(
        IReadOnlyList<int> ids, IReadOnlyList<ImageSpan> images, int tokens, CancellationToken cancellationToken)
    {
        var (answer, first, cached, start) = (new List<int>(), TimeSpan.Zero, 0, Stopwatch.GetTimestamp());
        await foreach (var next in _loop.GenerateAsync(RequestOf(ids, images, tokens), cancellationToken))
        {
            if (next is GenerationEvent.Started started)
            {
                cached = started.CachedTokens;
            }
            else if (next is GenerationEvent.Generated generated)
            {
                first = answer.Count == 0 ? Stopwatch.GetElapsedTime(start) : first;
                answer.AddRange(generated.Tokens.Select(token => token.Id));
            }
        }

        return new TimedTurn(first, answer, cached);
    }

    /// <summary>Runs a turn, and notes what its reader waits for each token after the first.</summary>
    /// <param name="ids">All ids of the conversation so far.</param>
    /// <param name="tokens">Tokens of the answer.</param>
    /// <param name="waits">Milliseconds are added.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task ListenAsync(IReadOnlyList<int> ids, int tokens, List<double> waits, CancellationToken cancellationToken)
    {
        var last = 0L;
        await foreach (var next in _loop.GenerateAsync(RequestOf(ids, [], tokens), cancellationToken))
        {
            if (next is GenerationEvent.Generated)
            {
                var now = Stopwatch.GetTimestamp();
                if (last != 0)
                {
                    waits.Add(Stopwatch.GetElapsedTime(last, now).TotalMilliseconds);
                }

                last = now;
            }
        }
    }

    /// <summary>Has a turn take its blocks, and what was in them, and gives it up before it is computed.</summary>
    public async Task TakeBlocksAsync(IReadOnlyList<int> ids, CancellationToken cancellationToken)
    {
        await foreach (var next in _loop.GenerateAsync(RequestOf(ids, [], 1), cancellationToken))
        {
            if (next is GenerationEvent.Started)
            {
                break;
            }
        }
    }

    /// <summary>Completes when no more blocks are moved.</summary>
    public Task UntilIdleAsync(CancellationToken cancellationToken) => _loop.RestAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<ImageFeatures> GetAsync(ImageSpan span, string? encoder, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            lock (_encoding)
            {
                if (!_features.TryGet(span.Image, out var features))
                {
                    features = _tower.Encode([(span.Image, _pictures[span.Image]())])[0];
                    _features.Set(span.Image, features, features.Data.Length);
                }

                return features;
            }
        },
        cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _loop.DisposeAsync();
        _tower.Dispose();
    }

    private static SequenceRequest RequestOf(IReadOnlyList<int> ids, IReadOnlyList<ImageSpan> images, int tokens) => new()
    {
        Name = "turn",
        TokenIds = ids,
        Images = images,
        Sampling = SamplingOptions.Greedy,
        Seed = 0,
        Turn = 0,
        MaxTokens = tokens,
    };

    private sealed class NeverStops : IStopRule
    {
        public StopVerdict Push(int id) => new("", StopOutcome.GoesOn);

        public string Flush() => "";
    }
}

/// <summary>A turn as its reader saw it.</summary>
/// <param name="First">Time to the first token.</param>
/// <param name="Answer">The answer's ids.</param>
/// <param name="Cached">Prompt tokens that were not computed again.</param>
internal sealed record TimedTurn(TimeSpan First, IReadOnlyList<int> Answer, int Cached);
