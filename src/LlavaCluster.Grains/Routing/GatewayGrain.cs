using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Placement;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace LlavaCluster.Grains.Routing;

/// <summary>
/// Says who serves a turn; always on the caller's silo. All gateways read the same reports; an image's encoder is chosen by one encoder
/// for all of them, so that it is encoded once.
/// </summary>
[StatelessWorker(1), Reentrant]
internal sealed partial class GatewayGrain(ClusterView view, IGrainFactory grains, RoutingChance chance, ILogger<GatewayGrain> logger)
    : Grain, IGatewayGrain
{
    private readonly SentTurns _sent = new();

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
        foreach (var (image, tiles) in request.Images.Zip(request.Tiles))
        {
            if (!chosen.ContainsKey(image))
            {
                chosen[image] = await EncoderOf(image, tiles, encoders);
            }
        }

        var choices = replicas.Select(seat => new ReplicaChoice(seat, _sent.To(seat))).ToArray();
        var replica = ReplicaPolicy.Choose(request.KnownReplica, request.Avoid, request.Beginnings, choices, chance.Random);
        _sent.Note(replica.Seat);
        return new RouteMessage(replica.Replica, chosen, replica.Seat.Shard);
    }

    private async Task<string> EncoderOf(string image, int tiles, IReadOnlyList<EncoderLoadMessage> encoders)
    {
        var (first, second) = EncoderPolicy.Choices(image, [.. encoders.Select(encoder => encoder.Encoder)]);
        if (second is null)
        {
            return first;
        }

        try
        {
            return await grains.Serving<IEncoderGrain>(first).Assign(image, tiles);
        }
        catch (Exception error) when (error is OrleansException or TimeoutException or TurnRefusedException)
        {
            LogAlone(image, first, second, error.Message);
            return second;
        }
    }

    private static TurnRefusedException Unavailable(string what) =>
        new(RefusalCode.Unavailable, $"{what} Try again in a moment.", TimeSpan.FromSeconds(1));

    [LoggerMessage(Level = LogLevel.Warning, Message = "Encoder {First} does not say who encodes image {Image}; {Second} is asked. {Why}")]
    private partial void LogAlone(string image, string first, string second, string why);
}
