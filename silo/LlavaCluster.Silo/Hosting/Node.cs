using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Replicas;
using LlavaCluster.Silo.Commands;
using LlavaCluster.Silo.Security;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// One process of a cluster, from settings to the ready line. Hosted services start in this order and stop in the
/// reverse: (1) the edge,
/// which says "not ready" meanwhile, (2) the engines, (3) the silo, (4) the seat among a replica's ranks, if it has one, and the drain.
/// </summary>
internal sealed class Node : IAsyncDisposable
{
    /// <summary>What engines, silo and edge may take to stop, once the turns are drained.</summary>
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(30);

    private static readonly string Version = typeof(Node).Assembly.GetName().Version!.ToString(3);

    private readonly IHost _host;
    private readonly NodeSettings _settings;
    private readonly Stores _stores;
    private readonly WebEdge _edge;
    private readonly int _siloPort;

    private Node(IHost host, NodeSettings settings, Stores stores, WebEdge edge, int siloPort)
    {
        (_host, _settings, _stores, _edge, _siloPort) = (host, settings, stores, edge, siloPort);
    }

    /// <summary>Where gRPC is answered, for a client in this process.</summary>
    public Uri GrpcAddress => new($"http://{IPAddress.Loopback}:{_edge.GrpcPort}");

    /// <summary>The line that tells scripts that requests are taken.</summary>
    public string ReadyLine =>
        $"ready http={_edge.HttpPort} grpc={_edge.GrpcPort} silo={_settings.Fleet.SiloAddress}:{_siloPort} roles={string.Join(',', _settings.Node.RoleList)}";

    /// <summary>Starts a process; completes when it takes requests.</summary>
    /// <exception cref="UserErrorException">Something in the settings cannot be had.</exception>
    /// <exception cref="Core.Checkpoint.BadCheckpointException">The checkpoint cannot be served.</exception>
    public static async Task<Node> StartAsync(NodeSettings settings, CancellationToken cancellationToken)
    {
        var address = IPAddress.Parse(settings.Node.Bind);
        Ports.Require(address, settings.Node.Http, "--http");
        Ports.Require(address, settings.Node.Grpc, "--grpc");
        Ports.Require(IPAddress.Parse(settings.Fleet.SiloAddress), settings.Node.SiloPort, "--silo-port");
        var siloPort = settings.Node.SiloPort > 0 ? settings.Node.SiloPort : Ports.Free();
        var tls = SiloTls.Open(settings.Fleet);
        var stores = await Stores.OpenAsync(settings);
        var model = ServedModel.Open(settings.Model);
        settings.Model.Dtype = model.ComputeType(settings.Model.Dtype);
        var role = RoleOf(settings);
        var parts = new ModelParts(model, settings.Model, role.Roles, RanksAtStart(settings.Fleet));
        parts.AddTiers(settings.Tiers, DataFolder.OfKv(settings));
        var edge = new WebEdge(settings);
        var host = new HostBuilder()
            .UseContentRoot(AppContext.BaseDirectory)
            .ConfigureLogging(logging => NodeLogging.Configure(logging, settings.Configuration))
            .ConfigureServices(services => AddShared(services, settings, stores, model))
            .ConfigureWebHost(edge.Configure) // (1)
            .ConfigureServices(services => AddEngines(services, settings, parts, role, tls)) // (2)
            .UseOrleans((_, silo) => // (3)
            {
                Membership.Configure(silo, settings.Fleet, siloPort, stores.Redis);
                silo.AddLlavaGrains(role);
                if (tls is not null)
                {
                    SecureSiloConnections.AddTo(silo, tls);
                }
            })
            .ConfigureServices(services => AddLast(services, settings.Fleet)) // (4)
            .Build();
        var node = new Node(host, settings, stores, edge, siloPort);
        try
        {
            await host.StartAsync(cancellationToken);
            return node;
        }
        catch (JoinRefusedException)
        {
            // A silo that never ran cannot be stopped; only what is ours is given back.
            await stores.DisposeAsync();
            throw;
        }
        catch
        {
            try
            {
                await node.DisposeAsync();
            }
            catch (Exception stopping) when (stopping is InvalidOperationException or AggregateException)
            {
                // A silo that did not get as far as to run cannot be stopped, and says so; what failed before is what counts.
                await stores.DisposeAsync();
            }

            throw;
        }
    }

    /// <summary>Runs until SIGTERM or Ctrl-C, then drains and stops.</summary>
    public Task WaitForShutdownAsync() => _host.WaitForShutdownAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
        await _stores.DisposeAsync();
    }

    private static void AddShared(IServiceCollection services, NodeSettings settings, Stores stores, ServedModel model)
    {
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(settings);
        services.AddSingleton(settings.Node);
        services.AddSingleton(settings.Images);
        services.AddSingleton(Microsoft.Extensions.Options.Options.Create(settings.Sessions));
        services.AddSingleton(Microsoft.Extensions.Options.Options.Create(settings.Admission));
        services.AddSingleton(model);
        services.AddSingleton(model.Config);
        services.AddSingleton(model.Tokenizer);
        services.AddSingleton<IPromptBuilder>(model.Prompts);
        services.AddSingleton(stores.Turns);
        services.AddSingleton(stores.Images);
        services.AddSingleton<Readiness>();
        services.AddHostedService<OpenTraffic>();
        services.AddSingleton<ISiloState>(provider => provider.GetRequiredService<Readiness>());
        services.AddSingleton<ISiloExit, ProcessExit>();
        services.AddSingleton<ISiloPort, TcpSiloPort>();
        services.AddSingleton(new SiloIdentity(model.Id, Version));
        services.Configure<HostOptions>(
            options => options.ShutdownTimeout = TimeSpan.FromSeconds(settings.Node.DrainSeconds) + StopTime);
    }

    private static void AddEngines(IServiceCollection services, NodeSettings settings, ModelParts parts, SiloRole role, SiloTls? tls)
    {
        // A rank among other processes has its engine from its seat.
        var here = settings.Fleet.IsOneRank ? role.Roles & ~SiloRoles.Decoder : role.Roles;
        services.AddSingleton<LentParts>();
        IKvSource? Moves(IServiceProvider provider) => KvLinks.AreOpen(settings)
            ? KvLinks.Client(provider.GetRequiredService<ServedModel>(), settings, tls, provider.GetRequiredService<TimeProvider>())
            : null;
        services.AddSingleton(provider => new EngineSet(
            parts,
            provider.GetRequiredService<ServedModel>(),
            settings,
            here,
            _ => provider.GetRequiredService<IFeatureSource>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetService<IEngineObserver>(),
            Moves(provider),
            provider.GetRequiredService<LentParts>()));
        services.AddSingleton<IImageEncodeEngine>(provider => provider.GetRequiredService<EngineSet>().Encoder!);
        if (settings.Fleet.IsOneRank)
        {
            services.AddSingleton(new ReplicaFormerOptions { SpareAfter = TimeSpan.FromSeconds(settings.Fleet.SpareAfterSeconds) });
            services.AddSingleton(provider => new ServedRank(
                parts,
                provider.GetRequiredService<ServedModel>(),
                settings,
                role.Shard,
                tls,
                provider.GetRequiredService<ReplicaSupervisors>(),
                provider.GetRequiredService<IFeatureSource>,
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<IEngineObserver>(),
                provider.GetRequiredService<ISeatObserver>(),
                Moves(provider),
                provider.GetRequiredService<LentParts>()));
            services.AddSingleton<IDecodeEngine>(provider => provider.GetRequiredService<ServedRank>().Seat);
        }
        else
        {
            services.AddSingleton<IDecodeEngine>(provider => provider.GetRequiredService<EngineSet>().Decoder!);
        }

        if (KvLinks.AreOpen(settings) && role.Roles.HasFlag(SiloRoles.Decoder))
        {
            services.AddSingleton(provider => KvLinks.Server(
                provider.GetRequiredService<ServedModel>(),
                settings,
                tls,
                (IKvOwner)provider.GetRequiredService<IDecodeEngine>(),
                provider.GetRequiredService<LentParts>()));
        }

        services.AddHostedService<EngineService>();
    }

    private static void AddLast(IServiceCollection services, FleetOptions fleet)
    {
        if (fleet.IsOneRank)
        {
            services.AddHostedService<SeatService>();
        }

        services.AddHostedService<DrainService>();
    }

    private static SiloRole RoleOf(NodeSettings settings)
    {
        var (fleet, ranks) = (settings.Fleet, settings.Model.TensorParallel);
        var roles = settings.Node.RoleList.Select(r => Enum.Parse<SiloRoles>(r, ignoreCase: true)).Aggregate((a, b) => a | b);
        if (fleet.IsOneRank && !roles.HasFlag(SiloRoles.Decoder))
        {
            throw new UserErrorException("--rank and --spare are for decoders; add 'decoder' to --roles, or leave them out.");
        }

        if (fleet.Rank >= ranks)
        {
            throw new UserErrorException($"Rank {fleet.Rank} is not among the {ranks} of --tensor-parallel; ranks count from 0.");
        }

        return new SiloRole
        {
            Roles = roles,
            Replica = fleet.Replica,
            Rank = fleet.Rank ?? 0,
            Ranks = ranks,
            Spare = fleet.Spare,
            Encoder = fleet.Encoder,
        };
    }

    /// <summary>The ranks that are loaded before the process is ready; null: all.</summary>
    private static int[]? RanksAtStart(FleetOptions fleet) => fleet switch
    {
        { Rank: { } rank } => [rank],
        { Spare: not null } => [],
        _ => null,
    };
}
