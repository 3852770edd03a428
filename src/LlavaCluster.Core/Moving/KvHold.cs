using System.Net.Sockets;

namespace LlavaCluster.Core.Moving;

/// <summary>Blocks that all ranks of another replica lend, for as long as this is neither ended nor disposed. One caller at a time.</summary>
public sealed class KvHold : IDisposable
{
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly CancellationTokenRegistration _stop;

    internal KvHold(Socket socket, Stream stream, IReadOnlyList<int> places, Guid loan, CancellationToken cancellationToken)
    {
        (_socket, _stream, Places, Loan) = (socket, stream, places, loan);
        _stop = cancellationToken.Register(socket.Dispose);
    }

    /// <summary>Places among the keys that were asked for, ascending, of the blocks that are held.</summary>
    public IReadOnlyList<int> Places { get; }

    /// <summary>Under what the other's ranks lend them.</summary>
    public Guid Loan { get; }

    /// <summary>Says that they need not be held any more.</summary>
    /// <returns>True when they were until now; false when the other end cannot say so.</returns>
    public Task<bool> EndAsync() => Task.Run(() =>
    {
        try
        {
            _stream.WriteByte(0);
            _stream.Flush();
            return _stream.ReadByte() == KvRequest.WasHeld;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            return false;
        }
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Dispose();
        _stream.Dispose();
        _socket.Dispose();
    }
}
