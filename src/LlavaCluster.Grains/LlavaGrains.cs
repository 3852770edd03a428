using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Admission;
using LlavaCluster.Grains.Decoding;
using LlavaCluster.Grains.Encoding;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Replicas;
using LlavaCluster.Grains.Routing;
using LlavaCluster.Grains.Sessions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime.MembershipService.SiloMetadata;

namespace LlavaCluster.Grains;

/// <summary>Puts our grains into a silo.</summary>
public static class LlavaGrains
{
    /// <summary>
    /// Registers the grains of the silo's roles, their placement and what they share. Every silo of a cluster calls it. The host
    /// supplies by dependency injection:
    /// every role: <c>LlavaConfig</c>, <c>TimeProvider</c> (the system's when it supplies none), <see cref="SiloIdentity"/>,
    /// <see cref="ISiloState"/>, <see cref="ISiloExit"/> and <see cref="ISiloPort"/> (none when it supplies none);
    /// gateway: <c>ITokenizer</c>, <c>IPromptBuilder</c>, <c>ImageLimits</c>, <c>IImageStore</c>, <c>ITurnLog</c>, and options
    /// <see cref="SessionOptions"/> and <see cref="AdmissionOptions"/> if they differ from the defaults;
    /// encoder: <see cref="IImageEncodeEngine"/>, <c>IImageStore</c>;
    /// decoder: <see cref="IDecodeEngine"/>, for which <see cref="IFeatureSource"/> and, as <see cref="IEngineObserver"/>, a log are
    /// registered here; where it is one rank of several processes, <see cref="ReplicaSupervisors"/> is what its seat reports to.
    /// </summary>
    public static ISiloBuilder AddLlavaGrains(this ISiloBuilder silo, SiloRole role)
    {
        silo.UseSiloMetadata(role.Metadata());
        // Transient: a strategy holds the metadata key of its grain class, so each class needs its own.
        silo.Services.AddPlacementDirector<OwnerPlacement, OwnerDirector>(ServiceLifetime.Transient);
        silo.Services.TryAddSingleton(TimeProvider.System);
        // A listener that vanished without a word is noticed after one to two of these; only image checks may take longer.
        silo.Services.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(10));
        silo.Services.AddMetrics();
        silo.Services.AddSingleton(role);
        silo.Services.TryAddSingleton(SiloIdentity.None);
        silo.Services.TryAddSingleton<ISiloState, OpenSilo>();
        silo.Services.AddSingleton<SiloGauges>();
        silo.Services.AddSingleton<LoadTable>();
        silo.Services.AddSingleton<KnownBeginnings>();
        silo.Services.AddSingleton<IFleetClient, FleetClient>();
        silo.Services.AddSingleton(services => new FleetView(
            services.GetRequiredService<IClusterMembershipService>(), services.GetRequiredService<LoadTable>()));
        silo.Services.TryAddSingleton<ISiloExit, NoExit>();
        silo.Services.TryAddSingleton<ISiloPort, NoSiloPort>();
        silo.Services.AddSingleton<LostSilos>();
        silo.Services.AddSingleton<SiloPulse>();
        silo.Services.AddHostedService(services => services.GetRequiredService<SiloPulse>());
        silo.Services.AddSingleton(services => new FleetOrders(
            services.GetRequiredService<IClusterMembershipService>(), services.GetRequiredService<IFleetClient>()));
        silo.Services.AddSingleton<LastServed>();
        silo.Services.AddSingleton<OpenStreams>();
        silo.Services.AddSingleton<KvGiving>();
        silo.Services.AddSingleton(services => new SiloDrain(
            role,
            services.GetRequiredService<OpenStreams>(),
            services.GetRequiredService<KvGiving>(),
            services.GetRequiredService<LoadTable>(),
            services,
            services.GetRequiredService<TimeProvider>()));
        silo.AddGrainService<FleetService>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, JoinCheck>();
        silo.Services.AddHostedService<LoadReporter>();
        silo.Services.AddSingleton<ClusterView>();
        silo.Services.AddSingleton<Instruments>();
        // Several gateways must not draw the same lots: the seed is chance itself.
        silo.Services.TryAddSingleton(new RoutingChance(new Random(Guid.NewGuid().GetHashCode())));
        silo.Services.AddOptions<SessionOptions>().ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<SessionOptions>, SessionOptionsValidator>();
        if (role.Roles.HasFlag(SiloRoles.Gateway))
        {
            silo.Services.AddSingleton<SessionCaches>();
            silo.Services.AddSingleton<ImageSweeper>();
            silo.Services.AddHostedService(services => services.GetRequiredService<ImageSweeper>());
            silo.Services.AddSingleton<AdmissionGate>();
            silo.Services.AddSingleton<SessionSweeper>();
            silo.Services.AddHostedService(services => services.GetRequiredService<SessionSweeper>());
        }

        if (role.Roles.HasFlag(SiloRoles.Decoder))
        {
            silo.Services.TryAddSingleton<IFeatureSource, GrainFeatureSource>();
            silo.Services.TryAddSingleton<IEngineObserver, EngineLog>();
            silo.Services.TryAddSingleton(new ReplicaFormerOptions());
            silo.Services.AddSingleton<ReplicaSupervisors>();
            silo.Services.TryAddSingleton<ISeatObserver, SeatLog>();
        }

        // A class that a silo does not have is never placed there: no filter is needed for the roles.
        silo.Services.Configure<GrainTypeOptions>(types =>
        {
            Keep(types, role.Roles, SiloRoles.Gateway, typeof(SessionGrain), typeof(GatewayGrain));
            Keep(types, role.Roles, SiloRoles.Encoder, typeof(EncoderGrain));
            Keep(types, role.Roles, SiloRoles.Decoder, typeof(DecoderShardGrain), typeof(ReplicaGrain));
        });
        return silo;
    }

    private static void Keep(GrainTypeOptions types, SiloRoles roles, SiloRoles role, params Type[] classes)
    {
        if (!roles.HasFlag(role))
        {
            types.Classes.ExceptWith(classes);
        }
    }
}
