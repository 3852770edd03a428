using System.Collections.Concurrent;
using System.Diagnostics;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Weights;
using static TorchSharp.torch;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>
/// Decode loop, scheduler, prefix cache and both models of a checkpoint, without grains and edge. An image's features are computed when
/// the engine asks for them, and then kept as an encoder keeps them, within a byte budget.
/// </summary>
internal sealed class TimedEngine : IFeatureSource, IAsyncDisposable
{
    private const int FeatureBytes = 256 << 20;

    private readonly ConcurrentDictionary<ImageHash, Func<ImageTiles>> _pictures = new();
    private readonly ByteBoundedCache<ImageHash, ImageFeatures> _features = new(FeatureBytes);
    private readonly VisionEncoder _tower;
    private readonly Lock _encoding = new();
    private readonly DecodeLoop _loop;

    /// <summary>Loads the vision tower; the rest is loaded by <see cref="StartAsync"/>.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="kvBlocks">Blocks of 16 positions.</param>
    public TimedEngine(string folder, int kvBlocks)
    {
        var device = new TensorDevice(CPU, ScalarType.BFloat16);
        Config = LlavaConfigReader.Read(folder);
        using var weights = new CheckpointWeights(folder, Config, device.Device, device.Type);
        _tower = new VisionEncoder(Config, weights, device);
        _loop = new DecodeLoop(
            () =>
            {
                using var own = new CheckpointWeights(folder, Config, device.Device, device.Type);
                return new ModelRunner(Config, own, device, new SingleRank(), new ModelRunnerOptions { KvBlocks = kvBlocks });
            },
            new SingleRankLink(),
            this,
            _ => new NeverStops(),
            TimeProvider.System,
            new DecodeLoopOptions());
    }

    public LlavaConfig Config { get; }

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
        var request = new SequenceRequest
        {
            Name = "turn",
            TokenIds = ids,
            Images = images,
            Sampling = SamplingOptions.Greedy,
            Seed = 0,
            Turn = 0,
            MaxTokens = tokens,
        };
        var (answer, first, cached, start) = (new List<int>(), TimeSpan.Zero, 0, Stopwatch.GetTimestamp());
        await foreach (var next in _loop.GenerateAsync(request, cancellationToken))
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
