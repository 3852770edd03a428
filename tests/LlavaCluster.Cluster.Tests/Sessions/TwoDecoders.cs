using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using Microsoft.Extensions.DependencyInjection;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A gateway, and two decoders between which KV can move; either can be told to drain.</summary>
public sealed class TwoDecoders() : FakeCluster(
    new SiloRole { Roles = SiloRoles.Gateway | SiloRoles.Encoder },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r1" },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r2" })
{
    private static readonly KvShape Shape = new("fake", 1, "fake", "fake", 16, 1);

    internal override DecodeLoopOptions EngineOptions => new() { MaxWaiting = 64, MaxRunning = 8 };

    /// <summary>By replica.</summary>
    internal Dictionary<string, Switch> States { get; } = [];

    /// <summary>The other replica.</summary>
    internal static string Other(string replica) => replica == "r1" ? "r2" : "r1";

    /// <summary>KV blocks that a replica has fetched from the other one.</summary>
    internal long Fetched(string replica) => Engines[replica].Load.Moves!.Blocks;

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

        services.AddSingleton<IKvSource>(new KvClient(Shape, new KvMoveOptions { ConnectPatience = TimeSpan.FromSeconds(30), AnswerPatience = TimeSpan.FromSeconds(30), Silence = TimeSpan.FromSeconds(30) }, TimeProvider.System));
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
