using System.Net.Sockets;

namespace LlavaCluster.Core.Links;

/// <summary>A connection to another rank, after both agreed on who they are.</summary>
/// <param name="Rank">The other rank.</param>
/// <param name="Socket">Blocking; never used asynchronously, so that no event loop of the runtime wakes for its bytes.</param>
/// <param name="Stream">What is read and written: the socket's own stream, or a secure one around it. Owns the socket.</param>
public sealed record RankConnection(int Rank, Socket Socket, Stream Stream) : IDisposable
{
    /// <summary>What is said on it is encrypted, and both ends have shown their credentials.</summary>
    public bool IsSecure => Stream is not NetworkStream;

    /// <inheritdoc/>
    public void Dispose()
    {
        Stream.Dispose();
        Socket.Dispose();
    }

    /// <summary>Both ends' socket options: small messages leave at once.</summary>
    internal static Socket Prepare(Socket socket)
    {
        socket.NoDelay = true;
        return socket;
    }
}

/// <summary>Wraps a new connection between ranks, before a word is said on it.</summary>
/// <param name="stream">The plain connection.</param>
/// <param name="isCaller">This end has called the other.</param>
/// <returns>A stream that only ranks with the right credentials get; owns <paramref name="stream"/>.</returns>
public delegate Stream SecureStream(Stream stream, bool isCaller);
