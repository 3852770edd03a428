using System.IO.Pipelines;
using System.Net.Security;
using Microsoft.AspNetCore.Connections;
using Orleans.Configuration;

namespace LlavaCluster.Silo.Security;

/// <summary>
/// Puts TLS under everything that silos say to each other. Orleans' own package for it is not of the versions that we build with, so this is
/// the few lines of it that we need: a connection's transport is replaced by one through an <see cref="SslStream"/>.
/// </summary>
internal static partial class SecureSiloConnections
{
    private const int BufferBytes = 64 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>On every connection, whichever end begins it.</summary>
    public static void AddTo(ISiloBuilder silo, SiloTls tls) => silo.Configure<SiloConnectionOptions>(options =>
    {
        options.ConfigureSiloInboundConnection(connection => Use(connection, tls, isCaller: false));
        options.ConfigureSiloOutboundConnection(connection => Use(connection, tls, isCaller: true));
        options.ConfigureGatewayInboundConnection(connection => Use(connection, tls, isCaller: false));
    });

    private static void Use(IConnectionBuilder builder, SiloTls tls, bool isCaller)
    {
        var logger = builder.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(SecureSiloConnections));
        builder.Use(next => async connection =>
        {
            var plain = connection.Transport;
            await using var secure = new SslStream(new DuplexStream(plain), leaveInnerStreamOpen: true);
            using var late = new CancellationTokenSource(Patience, TimeProvider.System);
            try
            {
                await (isCaller ? secure.AuthenticateAsClientAsync(tls.Calling(), late.Token) : secure.AuthenticateAsServerAsync(tls.Called(), late.Token));
            }
            catch (Exception error)
            {
                // Whatever went wrong, nothing is said to this end.
                LogTurnedAway(logger, connection.RemoteEndPoint?.ToString() ?? "?", error.InnerException?.Message ?? error.Message);
                connection.Abort();
                return;
            }

            connection.Transport = new SecureTransport(
                PipeReader.Create(secure, new StreamPipeReaderOptions(bufferSize: BufferBytes, leaveOpen: true)),
                PipeWriter.Create(secure, new StreamPipeWriterOptions(minimumBufferSize: BufferBytes, leaveOpen: true)));
            try
            {
                await next(connection);
            }
            finally
            {
                connection.Transport = plain;
            }
        });
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A connection with {Remote} was turned away, since it is not with a silo of this cluster: {Why}")]
    private static partial void LogTurnedAway(ILogger logger, string remote, string why);

    private sealed record SecureTransport(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
