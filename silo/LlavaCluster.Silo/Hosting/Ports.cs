using System.Net;
using System.Net.Sockets;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Hosting;

/// <summary>Ports of this machine.</summary>
internal static class Ports
{
    /// <summary>Free ports are taken from here: below those that systems give to connections, which come and go all the time.</summary>
    private const int First = 20_000, Count = 12_000;

    private static int _next = Environment.ProcessId * 97 % Count;

    /// <summary>A port of this machine that nobody listens at now, and which the next caller in this process does not get.</summary>
    /// <exception cref="UserErrorException">There is none.</exception>
    public static int Free()
    {
        for (var tries = 0; tries < Count; tries++)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _next) % Count);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody's; the next one.
            }
        }

        throw new UserErrorException($"None of the ports {First}–{First + Count - 1} is free. Name one with --silo-port.");
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
