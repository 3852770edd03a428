using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;
using LlavaCluster.Grains.Sessions;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;
using Xunit;

namespace LlavaCluster.Cluster.Tests;

/// <summary>Silos in this process with real grains and real engine loops over fake models. The stores outlive silos.</summary>
public class FakeCluster : IAsyncLifetime
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    internal static readonly LlavaConfig Config = new()
    {
        Kind = LlavaKind.LlavaNext,
        Layout = CheckpointLayout.HuggingFace,
        Text = new TextConfig
        {
            ModelType = "llama",
            Hidden = 8,
            Intermediate = 8,
            Layers = 1,
            Heads = 1,
            KvHeads = 1,
            HeadDim = 8,
            VocabularySize = FakeModel.Vocabulary,
            MaxPositions = 1024,
            RmsEps = 1e-5,
            RopeTheta = 10000,
        },
        Vision = new VisionConfig
        {
            Hidden = 8,
            Intermediate = 8,
            Layers = 2,
            LayersUsed = 1,
            Heads = 1,
            ImageSide = 28,
            PatchSide = 14,
            LayerNormEps = 1e-5,
            Activation = "quick_gelu",
        },
        Images = new ImageProcessing
        {
            Mode = ImageMode.AnyRes,
            TileSide = 28,
            PatchSide = 14,
            Pinpoints = [(28, 56), (56, 28), (56, 56)],
            Order = PinpointOrder.HeightWidth,
            Mean = [0.5f, 0.5f, 0.5f],
            Std = [0.5f, 0.5f, 0.5f],
        },
        ImageTokenId = FakeModel.Placeholder,
        EosIds = [7],
        ProjectorBias = true,
    };

    private readonly SiloRole[] _roles;
    private InProcessTestCluster? _cluster;

    /// <summary>One silo with all roles.</summary>
    public FakeCluster()
        : this(new SiloRole())
    {
    }

    internal FakeCluster(params SiloRole[] roles) => _roles = roles;

    internal FlakyTurnLog Log { get; } = new();

    internal MemoryImageStore Images { get; } = new();

    internal FakeImageDecoder Decoder { get; } = new();

    internal FakeVisionEncoder Tower { get; } = new(Config.Vision.Patches, Config.Vision.Hidden);

    internal FakeModelRunner Runner { get; private set; } = null!;

    /// <summary>KV blocks of each replica.</summary>
    internal virtual int Blocks => 256;

    /// <summary>The first one.</summary>
    internal DecodeLoop Engine => Engines.Values.First();

    /// <summary>By replica.</summary>
    internal SortedDictionary<string, DecodeLoop> Engines { get; } = [];

    /// <summary>By replica; the first one is <see cref="Runner"/>.</summary>
    internal SortedDictionary<string, FakeModelRunner> Runners { get; } = [];

    /// <summary>By name; the first one is <see cref="Encoder"/>.</summary>
    internal Dictionary<string, EncodeLoop> Encoders { get; } = [];

    /// <summary>What a replica takes on.</summary>
    internal virtual DecodeLoopOptions EngineOptions => new() { MaxWaiting = 2, MaxRunning = 2 };

    internal EncodeLoop Encoder { get; private set; } = null!;

    internal InProcessTestCluster Cluster => _cluster!;

    internal static FakeTokenizer Tokenizer { get; } = new();

    internal static FakePrompts Prompts { get; } = new(Tokenizer);

    public async Task InitializeAsync()
    {
        Encoder = NewEncoder(Tower);
        Runner = new FakeModelRunner(new RunnerCapacity(Blocks, 16, Config.Text.MaxPositions, FakeModel.Vocabulary));
        var builder = new InProcessTestClusterBuilder((short)_roles.Length);
        builder.ConfigureSilo((options, silo) =>
        {
            var role = _roles[int.Parse(options.SiloName.Split('_')[1])];
            silo.AddLlavaGrains(role);
            silo.Services.Configure<SessionOptions>(Configure);
            ConfigureServices(silo.Services);
            silo.Services.AddSingleton(Config);
            silo.Services.AddSingleton<ITurnLog>(Log);
            silo.Services.AddSingleton<IImageStore>(Images);
            silo.Services.AddSingleton<IPromptBuilder>(Prompts);
            silo.Services.AddSingleton<ITokenizer>(Tokenizer);
            silo.Services.AddSingleton(new ImageLimits());
            if (role.Roles.HasFlag(SiloRoles.Encoder))
            {
                silo.Services.AddSingleton<IImageEncodeEngine>(EncoderOf(role));
            }

            if (role.Roles.HasFlag(SiloRoles.Decoder))
            {
                silo.Services.AddSingleton<IDecodeEngine>(services => EngineOf(role, services));
            }

            AddTo(silo.Services, role);
        });
        _cluster = builder.Build();
        using var patience = new CancellationTokenSource(Patience);
        await _cluster.DeployAsync(patience.Token);
        await _cluster.WaitForClusterManifestToStabilizeAsync().WaitAsync(patience.Token);
        for (var i = 0; i < _roles.Length; i++)
        {
            if (_roles[i].Roles.HasFlag(SiloRoles.Decoder))
            {
                await ((DecodeLoop)_cluster.Silos[i].ServiceProvider.GetRequiredService<IDecodeEngine>()).StartAsync(patience.Token);
            }
        }

        await AcquaintedAsync();
    }

    public async Task DisposeAsync()
    {
        Runner.BeforeStep = null;
        using var patience = new CancellationTokenSource(Patience);
        await _cluster!.StopAllSilosAsync(patience.Token).WaitAsync(2 * Patience);
        await _cluster.DisposeAsync().AsTask().WaitAsync(Patience);
        await Task.WhenAll(Engines.Values.Select(engine => engine.StopAsync())).WaitAsync(Patience);
        await Task.WhenAll(Encoders.Values.Append(Encoder).Distinct().Select(encoder => encoder.StopAsync())).WaitAsync(Patience);
    }

    /// <summary>Waits until every silo has heard what all serve, and the engines are up.</summary>
    private Task AcquaintedAsync() => UntilAsync(() => Cluster.Silos.All(silo => silo.ServiceProvider.GetRequiredService<ClusterView>() is var view
        && view.Replicas().Count == Engines.Count
        && view.Encoders().Count == _roles.Count(role => role.Roles.HasFlag(SiloRoles.Encoder))));

    /// <summary>Waits until a silo has heard how all are since this call.</summary>
    internal Task HeardAsync(int silo)
    {
        // The report after the last one may have been under way when we were called.
        var due = Cluster.Silos.ToDictionary(other => other.SiloAddress, other => Table(other).Find(other.SiloAddress)!.Value.Report.Number + 2);
        return UntilAsync(() => due.All(other => Table(Cluster.Silos[silo]).Find(other.Key)?.Report.Number >= other.Value));
    }

    /// <summary>Waits for something that nobody tells.</summary>
    internal static async Task UntilAsync(Func<bool> holds)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!holds())
        {
            await tick.WaitForNextTickAsync(patience.Token);
        }
    }

    private static LoadTable Table(InProcessSiloHandle silo) => silo.ServiceProvider.GetRequiredService<LoadTable>();

    private DecodeLoop EngineOf(SiloRole role, IServiceProvider services)
    {
        lock (Engines)
        {
            var runner = Engines.Count == 0 ? Runner : new FakeModelRunner(Runner.Capacity);
            Runners[role.Replica] = runner;
            return Engines[role.Replica] = new DecodeLoop(
                () => runner,
                LinkOf(role),
                services.GetRequiredService<IFeatureSource>(),
                _ => new FakeStopRule(id => id == 7),
                TimeProvider.System,
                EngineOptions,
                services.GetRequiredService<IEngineObserver>(),
                services.GetService<IKvSource>());
        }
    }

    /// <summary>What a replica's leader reaches its other ranks by.</summary>
    internal virtual IShardLink LinkOf(SiloRole role) => new SingleRankLink();

    /// <summary>What else a silo is made of.</summary>
    internal virtual void AddTo(IServiceCollection services, SiloRole role)
    {
    }

    private EncodeLoop EncoderOf(SiloRole role)
    {
        lock (Encoders)
        {
            return Encoders[role.Encoder] = Encoders.Count == 0 ? Encoder : NewEncoder(new FakeVisionEncoder(Config.Vision.Patches, Config.Vision.Hidden));
        }
    }

    private EncodeLoop NewEncoder(FakeVisionEncoder tower)
    {
        var encoder = new EncodeLoop(
            () => tower, Decoder, new ImagePreprocessor(Config.Images).Process, new ImageLimits(), new EncodeLoopOptions());
        // Completes when its thread has begun; until then images wait.
        _ = encoder.StartAsync();
        return encoder;
    }

    /// <summary>What a test needs beside, or otherwise.</summary>
    internal virtual void ConfigureServices(IServiceCollection services)
    {
    }

    /// <summary>No group of tokens is old before its test is over: only its size counts.</summary>
    internal virtual void Configure(SessionOptions options) => options.CheckpointMilliseconds = 60_000;

    /// <summary>Grains as the edge sees them: from inside the first silo, which is a gateway.</summary>
    internal IGrainFactory Grains => GrainsOf(0);

    /// <summary>The same from inside another silo.</summary>
    internal IGrainFactory GrainsOf(int silo) => Silo(silo).GetRequiredService<IGrainFactory>();

    /// <summary>What a silo is made of.</summary>
    internal IServiceProvider Silo(int silo) => Cluster.Silos[silo].ServiceProvider;

    internal ISessionGrain Session(string id) => Grains.GetGrain<ISessionGrain>(id);

    /// <summary>Puts an image into the store.</summary>
    internal async Task<string> PutAsync(byte[] file)
    {
        var hash = ImageHash.Of(file);
        await Images.PutAsync(hash, file, default);
        return hash.Hex;
    }

    internal static TurnRequestMessage Turn(string turnId, string text, params string[] images) => new()
    {
        TurnId = turnId,
        Parts = [.. images.Select(TurnPartMessage.OfImage), TurnPartMessage.OfText(text)],
        MaxTokens = 20,
        MayCreate = true,
    };

    internal async Task<List<TurnEventMessage>> ChatAsync(string session, TurnRequestMessage request, CancellationToken cancellationToken = default)
    {
        var events = new List<TurnEventMessage>();
        await foreach (var next in Session(session).Chat(request, cancellationToken).Bounded())
        {
            events.Add(next);
        }

        return events;
    }

    /// <summary>Deactivates a session's grain, as after a long silence.</summary>
    internal async Task ForgetAsync(string session) => await Cluster.DeactivateAsync(Session(session).GetGrainId()).WaitAsync(Patience);

    internal async Task IdleAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (Engine.Load is not { Running: 0, Waiting: 0 })
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Assert.Equal(Engine.Load.TotalBlocks, Engine.Load.FreeBlocks);
    }
}
