using System.Net;
using LlavaCluster.Core.Moving;
using LlavaCluster.Model;
using LlavaCluster.Silo.Security;

namespace LlavaCluster.Silo.Hosting;

/// <summary>How the KV of conversations moves between this process's replica and others: over connections of their own.</summary>
internal static class KvLinks
{
    /// <summary>
    /// True where KV can move: several processes, one rank each. Of several ranks each would have to move its own part.
    /// </summary>
    public static bool AreOpen(NodeSettings settings) => settings.Fleet is { Membership: not "localhost", IsOneRank: false, KvMoveMibPerSecond: > 0 }
        && settings.Model.TensorParallel == 1;

    /// <summary>Fetches from other replicas.</summary>
    public static KvClient Client(ServedModel model, NodeSettings settings, SiloTls? tls, TimeProvider time) =>
        new(ShapeOf(model, settings), OptionsOf(settings, tls), time);

    /// <summary>Lends to other replicas.</summary>
    public static KvServer Server(ServedModel model, NodeSettings settings, SiloTls? tls, IKvOwner engine) =>
        new(IPAddress.Parse(settings.Fleet.SiloAddress), ShapeOf(model, settings), engine, OptionsOf(settings, tls));

    private static KvMoveOptions OptionsOf(NodeSettings settings, SiloTls? tls) => new()
    {
        StartRate = (double)settings.Fleet.KvMoveMibPerSecond * (1 << 20),
        Secure = tls is null ? null : tls.Secure,
    };

    private static KvShape ShapeOf(ServedModel model, NodeSettings settings) => new(
        model.Id,
        settings.Model.TensorParallel,
        settings.Model.Dtype,
        settings.Model.KernelsInUse,
        ModelRunner.BlockTokens,
        model.Config.Text.Layers);
}
