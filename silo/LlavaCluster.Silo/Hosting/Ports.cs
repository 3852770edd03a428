using System.Net;
using System.Net.Sockets;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Hosting;

/// <summary>Ports of this machine.</summary>
internal static class Ports
{
    /// <summary>A port that nobody listens at now.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Refuses a port that is taken before anything is loaded.</summary>
    /// <param name="address">Address to listen at.</param>
    /// <param name="port">The port; 0 is always free.</param>
    /// <param name="flag">The flag that chooses it.</param>
    /// <exception cref="UserErrorException">Another program listens there, or the address is not of this
    /// machine.</exception>
    public static void Require(IPAddress address, int port, string flag)
    {
        try
        {
            using var listener = new TcpListener(address, port);
            listener.Start();
        }
        catch (SocketException error)
        {
            throw new UserErrorException(
                error.SocketErrorCode == SocketError.AddressAlreadyInUse
                    ? $"Port {port} at {address} is in use by another program. Choose another with {flag} (0 takes a free one)."
                    : $"Port {port} at {address} cannot be listened at: {error.Message}. Choose another with {flag} or --bind.",
                error);
        }
    }
}
