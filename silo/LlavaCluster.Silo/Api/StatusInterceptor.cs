using Grpc.Core;
using Grpc.Core.Interceptors;
using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Api;

/// <summary>
/// Around every call of the service: nothing before the process has started, and every error as <see
/// cref="StatusMapping"/> has it.
/// </summary>
internal sealed partial class StatusInterceptor(Readiness readiness, ILogger<StatusInterceptor> logger) : Interceptor
{
    /// <inheritdoc/>
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        GuardedAsync(context, () => continuation(request, context));

    /// <inheritdoc/>
    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardedAsync(context, () => continuation(requestStream, context));

    /// <inheritdoc/>
    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardedAsync(context, async () =>
        {
            await continuation(request, responseStream, context);
            return true;
        });

    private async Task<T> GuardedAsync<T>(ServerCallContext context, Func<Task<T>> call)
    {
        try
        {
            readiness.RequireStarted();
            return await call();
        }
        catch (Exception error)
        {
            if (StatusMapping.Of(error, context.CancellationToken.IsCancellationRequested) is { } status)
            {
                throw status;
            }

            LogFailed(context.Method, error);
            throw StatusMapping.Unforeseen();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} failed.")]
    private partial void LogFailed(string method, Exception error);
}
