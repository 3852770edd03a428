using System.Net;
using LlavaCluster.Core.Links;

namespace LlavaCluster.Core.Replicas;

/// <summary>Where one offer's process waits for the other ranks.</summary>
/// <param name="Collectives">For their numbers.</param>
/// <param name="Plans">For those who follow.</param>
internal sealed record OfferPlace(RankListener Collectives, RankListener Plans) : IDisposable
{
    /// <summary>At free ports.</summary>
    /// <param name="address">Address of this process for the other ranks.</param>
    /// <param name="secure">Wraps the other ranks' calls, for both; null: plain.</param>
    public static OfferPlace Open(IPAddress address, SecureStream? secure)
    {
        var collectives = new RankListener(address, secure: secure);
        return new OfferPlace(collectives, new RankListener(address, secure: secure));
    }

    public void Dispose()
    {
        Collectives.Dispose();
        Plans.Dispose();
    }
}
