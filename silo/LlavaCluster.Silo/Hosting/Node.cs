using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Grains;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// One process of a cluster, from settings to the ready line. Hosted services start in this order and stop in the
/// reverse: (1) the edge,
/// which says "not ready" meanwhile, (2) the engines, (3) the silo, (4) the drain.
/// </summary>
internal sealed class Node : IAsyncDisposable
{
    /// <summary>What engines, silo and edge may take to stop, once the turns are drained.</summary>
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(30);

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
        var stores = await Stores.OpenAsync(settings);
        var model = ServedModel.Open(settings.Model);
        settings.Model.Dtype = model.ComputeType(settings.Model.Dtype);
        var role = new SiloRole
        {
            Roles = RolesOf(settings.Node),
            Replica = settings.Fleet.Replica,
            Encoder = settings.Fleet.Encoder,
        };
        var parts = new ModelParts(model, settings.Model, role.Roles);
        var edge = new WebEdge(settings);
        var host = new HostBuilder()
            .UseContentRoot(AppContext.BaseDirectory)
            .ConfigureLogging(logging => NodeLogging.Configure(logging, settings.Configuration))
            .ConfigureServices(services => AddShared(services, settings, stores, model))
            .ConfigureWebHost(edge.Configure) // (1)
            .ConfigureServices(services => AddEngines(services, parts, role)) // (2)
            .UseOrleans((_, silo) => // (3)
            {
                Membership.Configure(silo, settings.Fleet, siloPort);
                silo.AddLlavaGrains(role);
            })
            .ConfigureServices(services => services.AddHostedService<DrainService>()) // (4)
            .Build();
        var node = new Node(host, settings, stores, edge, siloPort);
        try
        {
            await host.StartAsync(cancellationToken);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
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
        services.AddSingleton(model);
        services.AddSingleton(model.Config);
        services.AddSingleton(model.Tokenizer);
        services.AddSingleton<IPromptBuilder>(model.Prompts);
        services.AddSingleton(stores.Turns);
        services.AddSingleton(stores.Images);
        services.AddSingleton<Readiness>();
        services.Configure<HostOptions>(
            options => options.ShutdownTimeout = TimeSpan.FromSeconds(settings.Node.DrainSeconds) + StopTime);
    }

    private static void AddEngines(IServiceCollection services, ModelParts parts, SiloRole role)
    {
        services.AddSingleton(provider => new EngineSet(
            parts,
            provider.GetRequiredService<ServedModel>(),
            provider.GetRequiredService<NodeSettings>(),
            role.Roles,
            _ => provider.GetRequiredService<IFeatureSource>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetService<IEngineObserver>()));
        services.AddSingleton<IDecodeEngine>(provider => provider.GetRequiredService<EngineSet>().Decoder!);
        services.AddSingleton<IImageEncodeEngine>(provider => provider.GetRequiredService<EngineSet>().Encoder!);
        services.AddHostedService<EngineService>();
    }

    private static SiloRoles RolesOf(NodeOptions node) =>
        node.RoleList.Select(r => Enum.Parse<SiloRoles>(r, ignoreCase: true)).Aggregate((a, b) => a | b);
}
