using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Fleet;

/// <summary>What a silo is made of. All silos of a cluster serve one checkpoint and speak one protocol; versions may differ.</summary>
/// <param name="Checkpoint">Id of the checkpoint.</param>
/// <param name="Version">Version of the program.</param>
public sealed record SiloIdentity(string Checkpoint, string Version)
{
    /// <summary>Raised with every change of what silos say to each other that an older one would misunderstand.</summary>
    public const int Protocol = 2;

    /// <summary>Nothing known; for tests.</summary>
    public static SiloIdentity None { get; } = new("", "");

    /// <summary>The wire form.</summary>
    internal SiloIdentityMessage At(SiloAddress silo) => new(silo.Endpoint.ToString(), Protocol, Checkpoint, Version);

    /// <summary>Why a silo cannot be in a cluster with this one; null: it can.</summary>
    /// <param name="me">Who this one is.</param>
    /// <param name="newcomer">Who wants to join.</param>
    internal static string? Refuse(SiloIdentityMessage me, SiloIdentityMessage newcomer)
    {
        if (newcomer.Protocol != me.Protocol)
        {
            return $"This silo ({newcomer.Silo}, version {newcomer.Version}) speaks protocol {newcomer.Protocol}; silo {me.Silo} "
                + $"(version {me.Version}) of this cluster speaks {me.Protocol}. Run versions that speak the same, or another --cluster.";
        }

        return newcomer.Checkpoint != me.Checkpoint
            ? $"This silo ({newcomer.Silo}) serves checkpoint {newcomer.Checkpoint}; silo {me.Silo} of this cluster serves {me.Checkpoint}. "
                + "Take the same --model, or another --cluster."
            : null;
    }
}
