using System.Net;
using LlavaCluster.Core.Moving;
using LlavaCluster.Model;
using LlavaCluster.Silo.Security;

namespace LlavaCluster.Silo.Hosting;

/// <summary>How the KV of conversations moves between this process's replica and others: over connections of their own.</summary>
internal static class KvLinks
{
    /// <summary>True where KV can move: in a cluster of several processes, on CPUs. A GPU's blocks only its device reads.</summary>
    public static bool AreOpen(NodeSettings settings) => settings is { Fleet: { Membership: not "localhost", KvMoveMibPerSecond: > 0 }, Model.Device: "cpu" };

    /// <summary>Fetches from other replicas.</summary>
    public static KvClient Client(ServedModel model, NodeSettings settings, SiloTls? tls, TimeProvider time) =>
        new(ShapeOf(model, settings), OptionsOf(settings, tls), time);

    /// <summary>Lends to other replicas.</summary>
    public static KvServer Server(ServedModel model, NodeSettings settings, SiloTls? tls, IKvOwner engine, LentParts lent) =>
        new(IPAddress.Parse(settings.Fleet.SiloAddress), ShapeOf(model, settings), engine, OptionsOf(settings, tls), lent);

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
