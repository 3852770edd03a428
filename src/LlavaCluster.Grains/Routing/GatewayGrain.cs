using LlavaCluster.Grains.Contracts;
using Orleans.Concurrency;

namespace LlavaCluster.Grains.Routing;

/// <summary>Says who serves a turn; always on the caller's silo, and keeps nothing that another one would need.</summary>
[StatelessWorker(1), Reentrant]
internal sealed class GatewayGrain(ClusterView view, IGrainFactory grains, RoutingChance chance) : Grain, IGatewayGrain
{
    /// <inheritdoc/>
    public async Task<RouteMessage> Route(RouteRequestMessage request)
    {
        var replicas = view.Replicas();
        if (replicas.Count == 0)
        {
            throw Unavailable("No replica of the model is serving.");
        }

        var encoders = request.Images.Count == 0 ? [] : view.Encoders();
        if (request.Images.Count > 0 && encoders.Count == 0)
        {
            throw Unavailable("No image encoder is serving.");
        }

        var chosen = new Dictionary<string, string>();
        foreach (var image in request.Images.Distinct())
        {
            chosen[image] = await EncoderOf(image, encoders);
        }

        return new RouteMessage(await ReplicaOf(request.KnownReplica, replicas), chosen);
    }

    private async Task<string> ReplicaOf(string? known, IReadOnlyList<string> replicas)
    {
        var (first, second) = ReplicaPolicy.Candidates(known, replicas, chance.Random);
        if (second is null)
        {
            return first;
        }

        var loads = await Task.WhenAll(Leader(first).Load(), Leader(second).Load());
        return ReplicaPolicy.Prefers(loads[0], loads[1]) ? first : second;
    }

    private async Task<string> EncoderOf(string image, IReadOnlyList<string> encoders)
    {
        var (first, second) = EncoderPolicy.Choices(image, encoders);
        if (second is null)
        {
            return first;
        }

        var outstanding = await Task.WhenAll(
            grains.GetGrain<IEncoderGrain>(first).Outstanding(), grains.GetGrain<IEncoderGrain>(second).Outstanding());
        return EncoderPolicy.Prefers(outstanding[0], outstanding[1]) ? first : second;
    }

    private IDecoderShardGrain Leader(string replica) => grains.GetGrain<IDecoderShardGrain>($"{replica}/0");

    private static TurnRefusedException Unavailable(string what) =>
        new(RefusalCode.Unavailable, $"{what} Try again in a moment.", TimeSpan.FromSeconds(1));
}
