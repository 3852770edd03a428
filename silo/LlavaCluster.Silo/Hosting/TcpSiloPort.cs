using System.Net.Sockets;
using LlavaCluster.Grains.Fleet;

namespace LlavaCluster.Silo.Hosting;

/// <summary>Looks at a silo's port by connecting to it; what connects is closed again without a word.</summary>
internal sealed class TcpSiloPort(TimeProvider time) : ISiloPort
{
    /// <summary>Who refuses does so at once.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public async Task<bool> IsRefusingAsync(SiloAddress silo, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(silo.Endpoint, either.Token);
            return false;
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode == SocketError.ConnectionRefused;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
