using System.Globalization;
using Grpc.Core;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Silo.Api;

/// <summary>Our errors as gRPC status codes: the one table of them.</summary>
internal static class StatusMapping
{
    /// <summary>Trailer that tells clients when to try again; gRPC's own clients obey it.</summary>
    public const string RetryTrailer = "grpc-retry-pushback-ms";

    private static readonly Dictionary<RefusalCode, StatusCode> Codes = new()
    {
        [RefusalCode.InvalidArgument] = StatusCode.InvalidArgument,
        [RefusalCode.ContextExceeded] = StatusCode.FailedPrecondition,
        [RefusalCode.QueueFull] = StatusCode.ResourceExhausted,
        [RefusalCode.NotFound] = StatusCode.NotFound,
        [RefusalCode.AlreadyExists] = StatusCode.AlreadyExists,
        [RefusalCode.TurnRunning] = StatusCode.Aborted,
        [RefusalCode.Unavailable] = StatusCode.Unavailable,
        [RefusalCode.Moving] = StatusCode.Unavailable,
    };

    /// <summary>What a client is told of an error.</summary>
    /// <param name="error">The error.</param>
    /// <param name="isCancelled">The client went away or cancelled.</param>
    /// <returns>The answer, or null for what is our own fault: then a log line is due, and the client gets <see
    /// cref="Unforeseen"/>.</returns>
    public static RpcException? Of(Exception error, bool isCancelled) => error switch
    {
        RpcException rpc => rpc,
        TurnRefusedException refused => new(
            new Status(Codes[refused.Code], refused.Message), Trailers(refused.RetryAfter)),
        StoreUnavailableException unavailable => new(
            new Status(StatusCode.Unavailable, unavailable.Message), Trailers(TimeSpan.FromSeconds(1))),
        BadImageException bad => new(new Status(StatusCode.InvalidArgument, bad.Message)),
        _ when isCancelled => new(new Status(StatusCode.Cancelled, "The call was cancelled.")),
        EnumerationAbortedException or OrleansException or TimeoutException =>
            new(new Status(StatusCode.Unavailable, "A part of the cluster went away. Ask again with the same turn id: it goes on.")),
        _ => null,
    };

    /// <summary>What a client is told of our own faults.</summary>
    public static RpcException Unforeseen() =>
        new(new Status(StatusCode.Internal, "The server failed on this call; its log has the reason."));

    private static Metadata Trailers(TimeSpan? retryAfter) => retryAfter is { } pause
        ? new Metadata { { RetryTrailer, ((long)pause.TotalMilliseconds).ToString(CultureInfo.InvariantCulture) } }
        : [];
}
