namespace LlavaCluster.Grains.Contracts;

/// <summary>Says who serves a turn. One per gateway silo, always the caller's own; every one gives the same kind of answer.</summary>
[Alias("llava.IGatewayGrain")]
public interface IGatewayGrain : IGrainWithIntegerKey
{
    /// <summary>The replica that answers a turn and the encoder of each of its images.</summary>
    /// <exception cref="TurnRefusedException">Unavailable: no replica, or no encoder, is there.</exception>
    [Alias("Route")]
    Task<RouteMessage> Route(RouteRequestMessage request);
}

/// <summary>A turn that wants a place.</summary>
/// <param name="Session">Session id.</param>
/// <param name="KnownReplica">Replica that has the session's KV, or null.</param>
/// <param name="Images">Hashes of the conversation's images, in hexadecimal digits.</param>
/// <param name="Tiles">Tiles of each of them.</param>
/// <param name="Beginnings">What the conversation may have in common with others.</param>
/// <param name="Avoid">Replica that has just failed with this turn, or null.</param>
[GenerateSerializer, Immutable, Alias("llava.RouteRequest")]
public sealed record RouteRequestMessage(
    [property: Id(0)] string Session,
    [property: Id(1)] string? KnownReplica,
    [property: Id(2)] IReadOnlyList<string> Images,
    [property: Id(3)] IReadOnlyList<int> Tiles,
    [property: Id(4)] IReadOnlyList<ulong> Beginnings,
    [property: Id(5)] string? Avoid);

/// <summary>Who serves a turn.</summary>
/// <param name="Replica">Replica.</param>
/// <param name="Encoders">Encoder id of each image hash.</param>
/// <param name="Shard">Key of the shard grain that leads the replica now.</param>
[GenerateSerializer, Immutable, Alias("llava.Route")]
public sealed record RouteMessage(
    [property: Id(0)] string Replica, [property: Id(1)] IReadOnlyDictionary<string, string> Encoders, [property: Id(2)] string Shard);
