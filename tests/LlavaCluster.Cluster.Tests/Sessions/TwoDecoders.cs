using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Grains.Decoding;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A gateway, and two decoders between which KV can move; either can be told to drain.</summary>
public class TwoDecoders() : FakeCluster(
    new SiloRole { Roles = SiloRoles.Gateway | SiloRoles.Encoder },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r1" },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r2" })
{
    private static readonly KvShape Shape = new("fake", 1, "fake", "fake", 16, 1);

    /// <summary>Bytes per second that a move is believed to bring before one was measured.</summary>
    internal virtual double StartRate => new KvMoveOptions().StartRate;

    internal override DecodeLoopOptions EngineOptions => new() { MaxWaiting = 64, MaxRunning = 8 };

    /// <summary>By replica.</summary>
    internal Dictionary<string, Switch> States { get; } = [];

    /// <summary>The other replica.</summary>
    internal static string Other(string replica) => replica == "r1" ? "r2" : "r1";

    /// <summary>KV blocks that a replica has fetched from the other one.</summary>
    internal long Fetched(string replica) => Engines[replica].Load.Moves!.Blocks;

    /// <summary>KV blocks that a replica has fetched, and the times that it would rather compute them.</summary>
    internal long Considered(string replica) => Fetched(replica) + Engines[replica].Load.Moves!.NotWorthMoving;

    /// <summary>Has one replica leave, or none, and waits until gateway and replicas have heard of it.</summary>
    internal async Task DrainAsync(params string[] leaving)
    {
        foreach (var (replica, state) in States)
        {
            state.IsDraining = leaving.Contains(replica);
        }

        for (var i = 0; i < 3; i++)
        {
            await HeardAsync(i);
        }
    }

    /// <summary>The drain of a replica, with a clock that stands: what ends, has not ended for want of patience.</summary>
    internal SiloDrain DrainOf(string replica)
    {
        var services = SiloOf(replica);
        return new SiloDrain(
            services.GetRequiredService<SiloRole>(),
            services.GetRequiredService<OpenStreams>(),
            services.GetRequiredService<KvGiving>(),
            services.GetRequiredService<LoadTable>(),
            services,
            new FakeTimeProvider());
    }

    /// <summary>The silo of a replica.</summary>
    internal IServiceProvider SiloOf(string replica) => Silo(replica == "r1" ? 1 : 2);

    internal override void AddTo(IServiceCollection services, SiloRole role)
    {
        if (!role.Roles.HasFlag(SiloRoles.Decoder))
        {
            return;
        }

        lock (States)
        {
            services.AddSingleton<ISiloState>(States[role.Replica] = new Switch());
        }

        var patient = new KvMoveOptions
        {
            StartRate = StartRate,
            ConnectPatience = TimeSpan.FromSeconds(30),
            AnswerPatience = TimeSpan.FromSeconds(30),
            Silence = TimeSpan.FromSeconds(30),
        };
        services.AddSingleton<IKvSource>(new KvClient(Shape, patient, TimeProvider.System));
        services.AddSingleton(provider => new KvServer(
            IPAddress.Loopback, Shape, (IKvOwner)provider.GetRequiredService<IDecodeEngine>(), new KvMoveOptions()));
    }

    /// <summary>Whether a silo drains.</summary>
    internal sealed class Switch : ISiloState
    {
        /// <inheritdoc/>
        public bool IsDraining { get; set; }
    }
}
