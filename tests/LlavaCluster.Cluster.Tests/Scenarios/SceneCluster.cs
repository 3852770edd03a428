using Grpc.Net.Client;
using LlavaCluster.Cluster.Tests.Processes;
using LlavaCluster.Cluster.Tests.Storage;
using LlavaCluster.Protos;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>The processes of a scene: a Redis and silos that share it as membership and store, and clients of the gateways.</summary>
internal sealed class SceneCluster : IAsyncDisposable
{
    private readonly ScratchFolder _folder = new();
    private readonly List<GrpcChannel> _channels = [];
    private readonly List<SceneSilo> _silos = [];

    private readonly double _slack;
    private readonly Ground? _ground;

    private SceneCluster(RedisServer redis, Ground? ground, double slack) => (Redis, _ground, _slack) = (redis, ground, slack);

    /// <summary>What they share.</summary>
    public RedisServer Redis { get; }

    /// <summary>All silos, those that do not run among them.</summary>
    public IReadOnlyList<SceneSilo> Silos => _silos;

    /// <summary>A client of each gateway.</summary>
    public IReadOnlyList<Llava.LlavaClient> Gateways { get; private set; } = [];

    /// <summary>The same with their silos' names.</summary>
    public IEnumerable<(string Name, Llava.LlavaClient Client)> NamedGateways =>
        _silos.Where(silo => silo.Plan.IsGateway).Select(silo => silo.Plan.Name).Zip(Gateways);

    /// <summary>Where the silos keep what they write; part of every silo's command line.</summary>
    public string Folder => _folder.Of("");

    /// <summary>The silo of that name.</summary>
    public SceneSilo this[string name] => _silos.Single(silo => silo.Plan.Name == name);

    /// <summary>Starts all of them.</summary>
    /// <param name="plans">The silos.</param>
    /// <param name="slack">By how much clients are more patient than on a quiet machine.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="ground">What they stand on; null: nothing but this machine.</param>
    /// <param name="store">Where conversations and images are kept: redis or files.</param>
    /// <exception cref="SceneSkippedException">The ground cannot be had here.</exception>
    public static async Task<SceneCluster> StartAsync(
        IReadOnlyList<SiloPlan> plans, double slack, CancellationToken cancellationToken, Ground? ground = null, string store = "redis")
    {
        var address = ground?.Address ?? "127.0.0.1";
        var redis = new RedisServer { Host = address };
        var cluster = new SceneCluster(redis, ground, slack);
        try
        {
            if (ground is not null && await ground.LayAsync(cluster._folder.Of("")) is { } reason)
            {
                throw new SceneSkippedException(reason);
            }

            await redis.InitializeAsync();
            string[] shared = ["--membership", "redis", "--store", store, "--redis", redis.Address, "--cluster", "scene"];
            cluster._silos.AddRange(plans.Select(plan => new SceneSilo(
                plan, [.. shared, "--data", cluster._folder.Of(plan.Name), "--silo-address", plan.Address ?? address])));
            // The first alone: it is then there to be found by the others.
            await cluster._silos[0].StartAsync(cancellationToken);
            await cluster.StartAllAsync(cancellationToken);
            cluster.Gateways = [.. cluster._silos.Where(silo => silo.Plan.IsGateway).Select(silo => cluster.ClientOf(silo))];
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts those that do not run, all at once, as a supervisor would.</summary>
    public Task StartAllAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_silos.Where(silo => silo.HasEnded).Select(silo => silo.StartAsync(cancellationToken)));

    /// <summary>SIGTERM to all at once; each must exit with 0.</summary>
    public Task TerminateAllAsync() => Task.WhenAll(_silos.Where(silo => silo.IsUp).Select(silo => silo.TerminateAsync()));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels)
        {
            channel.Dispose();
        }

        foreach (var silo in _silos)
        {
            await silo.DisposeAsync();
        }

        await Redis.DisposeAsync();
        await (_ground?.LiftAsync() ?? Task.CompletedTask);
        _folder.Dispose();
    }

    /// <summary>A client with connections of its own; they break when it is disposed.</summary>
    public (Llava.LlavaClient Client, GrpcChannel Channel) OwnClient(int gateway) => ChannelTo(Silos.Where(silo => silo.Plan.IsGateway).ElementAt(gateway));

    private Llava.LlavaClient ClientOf(SceneSilo silo)
    {
        var (client, channel) = ChannelTo(silo);
        _channels.Add(channel);
        return client;
    }

    /// <summary>A client that notices within two to three seconds, on a quiet machine, that a gateway no longer moves.</summary>
    private (Llava.LlavaClient Client, GrpcChannel Channel) ChannelTo(SceneSilo silo)
    {
        var channel = GrpcChannel.ForAddress(silo.Server, new GrpcChannelOptions
        {
            MaxReceiveMessageSize = null,
            DisposeHttpClient = true,
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(100),
            MaxReconnectBackoff = TimeSpan.FromMilliseconds(500),
            HttpHandler = new SocketsHttpHandler
            {
                EnableMultipleHttp2Connections = true,
                KeepAlivePingDelay = TimeSpan.FromSeconds(1),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(1) * _slack,
                ConnectTimeout = TimeSpan.FromSeconds(2) * _slack,
            },
        });
        return (new Llava.LlavaClient(channel), channel);
    }
}
