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
[GenerateSerializer, Immutable, Alias("llava.RouteRequest")]
public sealed record RouteRequestMessage(
    [property: Id(0)] string Session, [property: Id(1)] string? KnownReplica, [property: Id(2)] IReadOnlyList<string> Images);

/// <summary>Who serves a turn.</summary>
/// <param name="Replica">Replica; its leader is the shard grain <c>"&lt;replica&gt;/0"</c>.</param>
/// <param name="Encoders">Encoder id of each image hash.</param>
[GenerateSerializer, Immutable, Alias("llava.Route")]
public sealed record RouteMessage(
    [property: Id(0)] string Replica, [property: Id(1)] IReadOnlyDictionary<string, string> Encoders);
