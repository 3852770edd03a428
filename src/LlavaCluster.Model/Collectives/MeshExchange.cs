using System.Diagnostics;
using LlavaCluster.Core.Links;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// Ranks joined each to each, plain or secure. Small sums: every rank sends all its numbers to all others and adds them itself, one exchange.
/// Large ones: (1) every rank gets its own stretch from all others and adds it; (2) it sends the sum to all. That moves as few bytes as a
/// ring does, in 2 exchanges instead of 2 (ranks − 1), and lets sums be taken in order of ranks in float32, so that their bits depend
/// neither on the size nor on who was faster.
/// </summary>
internal sealed unsafe class MeshExchange : IRankExchange
{
    /// <summary>Sums of at most so many bytes take one exchange. Two ranks save no byte by the second, only half of the additions.</summary>
    private const long OneExchangeBytes = 32 << 10;
    private const long OneExchangeBytesOfTwo = 256 << 10;

    private const int StretchNumbers = 64;
    private const int WaitMilliseconds = 20;

    private readonly RankPeer[] _peers;
    private readonly TimeSpan _callPatience;
    private readonly TimeSpan _spin;
    private readonly TimeProvider _time;
    private readonly AbortFlag _aborted = new();
    private readonly NativeBuffer _scratch = new();
    private readonly object _callGate = new();
    private readonly object _closeGate = new();
    private readonly int _rank;
    private readonly int _ranks;
    private uint _exchange;
    private bool _closed;

    /// <summary>Over these connections, one to each other rank; disposed with this.</summary>
    public MeshExchange(int rank, IEnumerable<RankConnection> connections, TcpCollectiveOptions options, TimeProvider time)
    {
        _peers = [.. connections.OrderBy(connection => connection.Rank).Select(connection => RankPeer.Of(connection, options.CallPatience))];
        (_rank, _ranks, _time) = (rank, _peers.Length + 1, time);
        (_callPatience, _spin) = (options.CallPatience, options.SpinOf(_ranks));
    }

    /// <inheritdoc/>
    public void AllReduce(ScalarType type, byte* data, long count)
    {
        var size = RankSum.ElementSize(type);
        lock (_callGate)
        {
            _aborted.ThrowIfSet();
            if (count * size <= (_ranks == 2 ? OneExchangeBytesOfTwo : OneExchangeBytes))
            {
                ReduceAtOnce(type, data, count, size);
            }
            else
            {
                ReduceByStretches(type, data, count, size);
            }
        }
    }

    /// <inheritdoc/>
    public void AllGather(byte* mine, ReadOnlySpan<long> bytes, byte* all)
    {
        lock (_callGate)
        {
            _aborted.ThrowIfSet();
            _exchange++;
            long at = 0;
            for (var rank = 0; rank < _ranks; rank++)
            {
                if (PeerOf(rank) is { } peer)
                {
                    peer.Send(Message(PeerMessageKind.AllGather, bytes[_rank]), mine);
                    peer.Receive(Message(PeerMessageKind.AllGather, bytes[rank]), all + at);
                }
                else
                {
                    Buffer.MemoryCopy(mine, all + at, bytes[rank], bytes[rank]);
                }

                at += bytes[rank];
            }

            Complete();
        }
    }

    /// <inheritdoc/>
    public void Broadcast(byte* data, long bytes, int root)
    {
        lock (_callGate)
        {
            _aborted.ThrowIfSet();
            _exchange++;
            var message = Message(PeerMessageKind.Broadcast, bytes);
            if (root == _rank)
            {
                foreach (var peer in _peers)
                {
                    peer.Send(message, data);
                }
            }
            else
            {
                PeerOf(root)!.Receive(message, data);
            }

            Complete();
        }
    }

    /// <inheritdoc/>
    public void Abort(string reason) => Close(PeerMessageKind.Abort, reason);

    /// <inheritdoc/>
    public void ThrowIfAborted() => _aborted.ThrowIfSet();

    /// <summary>Notices, without waiting, that a peer has aborted or is gone.</summary>
    public void LookForLastWords()
    {
        lock (_callGate)
        {
            _aborted.ThrowIfSet();
            RankPeer.Wait(_peers, 0);
            Fail();
        }
    }

    /// <summary>The rank was last seen to have ended as it should.</summary>
    public bool HasLeft(int rank) => PeerOf(rank) is { HasLeft: true };

    /// <summary>Tells the others that this rank leaves, ends a call that another thread is in, then frees everything.</summary>
    public void Dispose()
    {
        Close(PeerMessageKind.Leave, $"rank {_rank} has left.");
        lock (_callGate)
        {
            if (_closed)
            {
                return;
            }

            lock (_closeGate)
            {
                _closed = true;
                Array.ForEach(_peers, peer => peer.Dispose());
            }

            _scratch.Dispose();
        }
    }

    private void ReduceAtOnce(ScalarType type, byte* data, long count, int size)
    {
        _exchange++;
        var bytes = count * size;
        var scratch = _scratch.Reserve(bytes * _ranks);
        var parts = stackalloc byte*[_ranks];
        var message = Message(PeerMessageKind.AllReduce, bytes, type);
        for (var rank = 0; rank < _ranks; rank++)
        {
            parts[rank] = data;
            if (PeerOf(rank) is { } peer)
            {
                parts[rank] = scratch + (rank * bytes);
                peer.Send(message, data);
                peer.Receive(message, parts[rank]);
            }
        }

        Complete();
        RankSum.Add(type, parts, _ranks, data, count);
    }

    private void ReduceByStretches(ScalarType type, byte* data, long count, int size)
    {
        // numbers:  | stretch of rank 0 | stretch of rank 1 | … | the last may be shorter or empty |
        var stretch = ((count - 1) / _ranks / StretchNumbers * StretchNumbers) + StretchNumbers;
        long Start(int rank) => Math.Min(rank * stretch, count) * size;
        long Length(int rank) => Start(rank + 1) - Start(rank);

        // (1)
        _exchange++;
        var bytes = Length(_rank);
        var scratch = _scratch.Reserve(stretch * size * _ranks);
        var parts = stackalloc byte*[_ranks];
        for (var rank = 0; rank < _ranks; rank++)
        {
            parts[rank] = data + Start(_rank);
            if (PeerOf(rank) is { } peer)
            {
                parts[rank] = scratch + (rank * stretch * size);
                peer.Send(Message(PeerMessageKind.AllReduce, Length(rank), type), data + Start(rank));
                peer.Receive(Message(PeerMessageKind.AllReduce, bytes, type), parts[rank]);
            }
        }

        Complete();
        RankSum.Add(type, parts, _ranks, data + Start(_rank), bytes / size);

        // (2)
        _exchange++;
        foreach (var peer in _peers)
        {
            peer.Send(Message(PeerMessageKind.AllReduce, bytes, type), data + Start(_rank));
            peer.Receive(Message(PeerMessageKind.AllReduce, Length(peer.Rank), type), data + Start(peer.Rank));
        }

        Complete();
    }

    private PeerMessage Message(PeerMessageKind kind, long bytes, ScalarType? type = null) =>
        new(_exchange, kind, (short)(type is { } known ? (int)known : -1), bytes);

    private RankPeer? PeerOf(int rank) => rank == _rank ? null : _peers[rank < _rank ? rank : rank - 1];

    /// <summary>Until all that was begun is sent and received; or has failed, and nothing touches the caller's memory any more.</summary>
    private void Complete()
    {
        try
        {
            Advance();
        }
        catch
        {
            Array.ForEach(_peers, peer => peer.LetGo());
            throw;
        }
    }

    private void Advance()
    {
        var idleSince = Stopwatch.GetTimestamp();
        var silentSince = _time.GetTimestamp();
        while (true)
        {
            _aborted.ThrowIfSet();
            var (advanced, left) = (false, false);
            foreach (var peer in _peers)
            {
                advanced |= peer.Advance();
                left |= peer.IsSending || peer.IsReceiving;
            }

            Fail();
            if (!left)
            {
                return;
            }

            if (advanced)
            {
                (idleSince, silentSince) = (Stopwatch.GetTimestamp(), _time.GetTimestamp());
            }
            else if (Stopwatch.GetElapsedTime(idleSince) < _spin)
            {
                Thread.SpinWait(10);
            }
            else
            {
                RankPeer.Wait(_peers, WaitMilliseconds);
                CheckPatience(silentSince);
            }
        }
    }

    private void CheckPatience(long silentSince)
    {
        if (_time.GetElapsedTime(silentSince) > _callPatience)
        {
            var waiting = string.Join(", ", _peers.Where(peer => peer.IsReceiving || peer.IsSending).Select(peer => peer.Rank));
            Abort($"rank {_rank} waited {_callPatience.TotalSeconds:0.#} s for rank {waiting} in exchange {_exchange}.");
        }
    }

    private void Fail()
    {
        foreach (var peer in _peers)
        {
            if (peer.Failure is { } failure)
            {
                Abort(failure);
                _aborted.ThrowIfSet();
            }
        }
    }

    private void Close(PeerMessageKind word, string reason)
    {
        // Not while, nor after, the peers are disposed.
        lock (_closeGate)
        {
            if (_aborted.TrySet(reason) && !_closed)
            {
                Array.ForEach(_peers, peer => peer.Close(word, reason));
            }
        }
    }
}
