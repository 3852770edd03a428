using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace LlavaCluster.Core.Links;

/// <summary>
/// Where other ranks call this one. Bound before the ranks are formed, so that its address can be told to them. A caller that is not
/// awaited is told why and is gone; it does not disturb those that are.
/// </summary>
public sealed class RankListener : IDisposable
{
    /// <summary>Callers that have not said who they are; more are turned away.</summary>
    private const int MaxUnknown = 64;

    private static readonly TimeSpan HelloPatience = TimeSpan.FromSeconds(2);

    private readonly Socket _socket;
    private readonly SecureStream? _secure;

    /// <summary>Listens from now on.</summary>
    /// <param name="address">Address of one interface; ranks' traffic is for the machines of the cluster only.</param>
    /// <param name="port">0: a free one.</param>
    /// <param name="secure">Wraps each connection; null: plain.</param>
    /// <exception cref="SocketException">The port is taken.</exception>
    public RankListener(IPAddress address, int port = 0, SecureStream? secure = null)
    {
        _secure = secure;
        _socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _socket.Bind(new IPEndPoint(address, port));
            _socket.Listen(128);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Waits until each of these ranks has called. Blocks; one thread at a time.</summary>
    /// <param name="me">This rank; who calls must be of the same replica, epoch and number of ranks.</param>
    /// <param name="ranks">Ranks that call.</param>
    /// <param name="patience">How long to wait for all.</param>
    /// <param name="time">Clock of the wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>One connection per rank, the caller's to dispose.</returns>
    /// <exception cref="RankLinkException">Not all came in time; says which, and who was refused.</exception>
    public IReadOnlyList<RankConnection> Gather(
        RankHello me, IReadOnlyList<int> ranks, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        var reception = new Reception(me, ranks);
        var began = time.GetTimestamp();
        try
        {
            while (!reception.IsComplete)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (time.GetElapsedTime(began) > patience)
                {
                    throw new RankLinkException(reception.Complaint(patience));
                }

                if (_socket.Poll(TimeSpan.FromMilliseconds(10), SelectMode.SelectRead))
                {
                    Greet(RankConnection.Prepare(_socket.Accept()), reception);
                }
            }

            return reception.Close();
        }
        catch
        {
            foreach (var connection in reception.Close())
            {
                connection.Dispose();
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    /// <summary>On a thread of its own: a caller may be slow to say who it is, or never do.</summary>
    private void Greet(Socket socket, Reception reception)
    {
        if (!reception.TryBegin())
        {
            socket.Dispose();
            return;
        }

        _ = Task.Run(() =>
        {
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            try
            {
                socket.ReceiveTimeout = socket.SendTimeout = (int)HelloPatience.TotalMilliseconds;
                stream = _secure?.Invoke(stream, false) ?? stream;
                var hello = new byte[RankHello.Bytes];
                stream.ReadExactly(hello);
                reception.Judge(hello, refusal => Answer(stream, refusal), rank =>
                {
                    socket.ReceiveTimeout = socket.SendTimeout = 0;
                    return new RankConnection(rank, socket, stream);
                });
            }
            catch (Exception error)
            {
                // Whatever a stranger does ends only its own connection; the complaint names it when ranks are missing.
                reception.Note(error is AuthenticationException
                    ? $"it has not shown that it is of this cluster: {error.Message}"
                    : $"a caller was lost: {error.Message}");
                stream.Dispose();
            }
            finally
            {
                reception.End();
            }
        });
    }

    private static void Answer(Stream stream, string? refusal)
    {
        var text = Encoding.UTF8.GetBytes(refusal ?? "");
        var answer = new byte[RankDialer.AnswerHead + text.Length];
        answer[0] = (byte)(refusal is null ? 0 : 1);
        BinaryPrimitives.WriteUInt16LittleEndian(answer.AsSpan(1), (ushort)text.Length);
        text.CopyTo(answer, RankDialer.AnswerHead);
        stream.Write(answer);
        stream.Flush();
        if (refusal is not null)
        {
            stream.Dispose();
        }
    }

    /// <summary>Who has come so far. Callers are judged one at a time.</summary>
    private sealed class Reception(RankHello me, IReadOnlyList<int> ranks)
    {
        private readonly object _gate = new();
        private readonly HashSet<int> _awaited = [.. ranks];
        private readonly List<RankConnection> _come = [];
        private string? _last;
        private int _unknown;
        private bool _closed;

        public bool IsComplete
        {
            get
            {
                lock (_gate)
                {
                    return _awaited.Count == 0;
                }
            }
        }

        public bool TryBegin()
        {
            if (Interlocked.Increment(ref _unknown) <= MaxUnknown)
            {
                return true;
            }

            End();
            return false;
        }

        public void End() => Interlocked.Decrement(ref _unknown);

        public void Note(string refusal)
        {
            lock (_gate)
            {
                _last = refusal;
            }
        }

        public void Judge(ReadOnlySpan<byte> hello, Action<string?> answer, Func<int, RankConnection> letIn)
        {
            lock (_gate)
            {
                var refusal = RankHello.Check(hello, me, _awaited, out var rank);
                refusal = _closed ? $"Rank {me.Rank} no longer waits for others." : refusal;
                _last = refusal ?? _last;
                answer(refusal);
                if (refusal is null)
                {
                    _come.Add(letIn(rank));
                    _awaited.Remove(rank);
                }
            }
        }

        public IReadOnlyList<RankConnection> Close()
        {
            lock (_gate)
            {
                _closed = true;
                return [.. _come.OrderBy(connection => connection.Rank)];
            }
        }

        public string Complaint(TimeSpan patience)
        {
            lock (_gate)
            {
                var missing = string.Join(", ", _awaited.Order());
                return $"Rank {me.Rank} of epoch {me.Epoch} waited {patience.TotalSeconds:0.#} s; rank {missing} did not call."
                    + (_last is null ? "" : $" The last caller turned away: {_last}");
            }
        }
    }
}
