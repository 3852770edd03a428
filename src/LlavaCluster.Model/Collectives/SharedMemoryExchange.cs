using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// Ranks of one machine: parts go through a <see cref="SharedBoard"/>, in pieces that fit it; the mesh's connections only tell who is
/// gone. Sums are those of <see cref="MeshExchange"/>, bit by bit.
/// </summary>
internal sealed unsafe class SharedMemoryExchange : IRankExchange
{
    /// <summary>From so many bytes on each rank adds a stretch and takes the others' sums, rather than adding all by itself.</summary>
    private const long AddAloneBytes = 16 << 10;
    private const int StretchNumbers = 64;
    private const int NameBytes = 64;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly MeshExchange _mesh;
    private readonly SharedBoard _board;
    private readonly TimeSpan _spin;
    private readonly TimeSpan _callPatience;
    private readonly TimeProvider _time;
    private readonly object _callGate = new();
    private readonly int _rank;
    private readonly int _ranks;
    private uint _exchange;
    private bool _closed;

    private SharedMemoryExchange(MeshExchange mesh, SharedBoard board, int rank, int ranks, TcpCollectiveOptions options, TimeProvider time)
    {
        (_mesh, _board, _rank, _ranks, _time) = (mesh, board, rank, ranks, time);
        (_spin, _callPatience) = (options.SpinOf(ranks), options.CallPatience);
    }

    /// <summary>Rank 0 makes the board and tells its name; when all have opened it, the name goes.</summary>
    /// <param name="mesh">Joined; disposed with the result.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="ranks">All ranks.</param>
    /// <param name="options">The same on all ranks.</param>
    /// <param name="time">Clock of the waits.</param>
    public static SharedMemoryExchange Form(MeshExchange mesh, int rank, int ranks, TcpCollectiveOptions options, TimeProvider time)
    {
        var name = "";
        SharedBoard? board = null;
        var told = (byte*)NativeMemory.AllocZeroed(NameBytes);
        try
        {
            if (rank == 0)
            {
                board = SharedBoard.Create(ranks, options.SharedMemoryBytes, out name);
                Encoding.ASCII.GetBytes(name, new Span<byte>(told, NameBytes));
            }

            mesh.Broadcast(told, NameBytes, 0);
            board ??= SharedBoard.Open(
                Encoding.ASCII.GetString(told, NameBytes).TrimEnd('\0'), rank, ranks, options.SharedMemoryBytes);

            // A sum of nothing in particular: all have come so far.
            mesh.AllReduce(ScalarType.Float32, told, 1);
            return new SharedMemoryExchange(mesh, board, rank, ranks, options, time);
        }
        catch (Exception error)
        {
            mesh.Abort($"rank {rank} cannot share memory: {error.Message}");
            board?.Dispose();
            throw;
        }
        finally
        {
            NativeMemory.Free(told);
            if (name.Length > 0)
            {
                SharedBoard.Delete(name);
            }
        }
    }

    /// <inheritdoc/>
    public void AllReduce(ScalarType type, byte* data, long count)
    {
        lock (_callGate)
        {
            var size = RankSum.ElementSize(type);
            var most = _board.PartBytes / size;
            for (long at = 0; at < count; at += most)
            {
                Reduce(type, data + (at * size), Math.Min(most, count - at), size);
            }
        }
    }

    /// <inheritdoc/>
    public void AllGather(byte* mine, ReadOnlySpan<long> bytes, byte* all)
    {
        lock (_callGate)
        {
            long longest = 0;
            foreach (var length in bytes)
            {
                longest = Math.Max(longest, length);
            }

            for (long at = 0; at < longest; at += _board.PartBytes)
            {
                Lay(PeerMessageKind.AllGather, mine + at, Piece(bytes[_rank], at));
                long start = 0;
                for (var rank = 0; rank < _ranks; rank++)
                {
                    Take(PeerMessageKind.AllGather, rank, all + start + at, Piece(bytes[rank], at));
                    start += bytes[rank];
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Broadcast(byte* data, long bytes, int root)
    {
        lock (_callGate)
        {
            for (long at = 0; at < bytes; at += _board.PartBytes)
            {
                // All lay something, be it nothing: no rank may come back to a table that another still reads.
                Lay(PeerMessageKind.Broadcast, data + at, root == _rank ? Piece(bytes, at) : 0);
                for (var rank = 0; rank < _ranks; rank++)
                {
                    Take(PeerMessageKind.Broadcast, rank, data + at, rank == root ? Piece(bytes, at) : 0);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Abort(string reason)
    {
        _mesh.Abort(reason);
        lock (_board)
        {
            if (!_closed)
            {
                _board.WakeAll();
            }
        }
    }

    /// <inheritdoc/>
    public void ThrowIfAborted() => _mesh.ThrowIfAborted();

    /// <inheritdoc/>
    public void Dispose()
    {
        _mesh.Dispose();
        lock (_callGate)
        {
            lock (_board)
            {
                if (!_closed)
                {
                    _closed = true;
                    _board.Dispose();
                }
            }
        }
    }

    private void Reduce(ScalarType type, byte* data, long count, int size)
    {
        Lay(PeerMessageKind.AllReduce, data, count * size, type);
        var parts = stackalloc byte*[_ranks];
        for (var rank = 0; rank < _ranks; rank++)
        {
            WaitFor(rank, Label(PeerMessageKind.AllReduce, count * size, type));
            parts[rank] = _board.Part(rank, _exchange);
        }

        if (_ranks == 2 || count * size <= AddAloneBytes)
        {
            RankSum.Add(type, parts, _ranks, data, count);
            return;
        }

        // numbers:  | stretch of rank 0 | stretch of rank 1 | … | the last may be shorter or empty |
        var stretch = ((count - 1) / _ranks / StretchNumbers * StretchNumbers) + StretchNumbers;
        long Start(int rank) => Math.Min(rank * stretch, count) * size;
        for (var rank = 0; rank < _ranks; rank++)
        {
            parts[rank] += Start(_rank);
        }

        var length = Start(_rank + 1) - Start(_rank);
        RankSum.Add(type, parts, _ranks, data + Start(_rank), length / size);
        Lay(PeerMessageKind.AllReduce, data + Start(_rank), length, type);
        for (var rank = 0; rank < _ranks; rank++)
        {
            Take(PeerMessageKind.AllReduce, rank, data + Start(rank), Start(rank + 1) - Start(rank), type);
        }
    }

    private PeerMessage Label(PeerMessageKind kind, long bytes, ScalarType? type) =>
        new(_exchange, kind, (short)(type is { } known ? (int)known : -1), bytes);

    private void Lay(PeerMessageKind kind, byte* mine, long bytes, ScalarType? type = null)
    {
        _mesh.ThrowIfAborted();
        _exchange++;
        Buffer.MemoryCopy(mine, _board.Part(_rank, _exchange), _board.PartBytes, bytes);
        _board.Lay(Label(kind, bytes, type));
    }

    private void Take(PeerMessageKind kind, int rank, byte* into, long bytes, ScalarType? type = null)
    {
        WaitFor(rank, Label(kind, bytes, type));
        if (bytes > 0)
        {
            Buffer.MemoryCopy(_board.Part(rank, _exchange), into, bytes, bytes);
        }
    }

    /// <summary>Until the rank's part is on the table; fails when it is not what is due.</summary>
    private void WaitFor(int rank, in PeerMessage due)
    {
        var began = 0L;
        for (var spin = _spin; !_board.Wait(rank, _exchange, spin, Look); spin = TimeSpan.Zero)
        {
            _mesh.ThrowIfAborted();
            _mesh.LookForLastWords();
            if (_mesh.HasLeft(rank) && !_board.Wait(rank, _exchange, TimeSpan.Zero, TimeSpan.Zero))
            {
                // What it laid before it went would be there by now.
                Abort($"rank {rank} has left.");
            }

            began = began == 0 ? _time.GetTimestamp() : began;
            if (_time.GetElapsedTime(began) > _callPatience)
            {
                Abort($"rank {_rank} waited {_callPatience.TotalSeconds:0.#} s for rank {rank} in exchange {_exchange}.");
            }
        }

        var label = *_board.Label(rank, _exchange);
        if (label != due)
        {
            Abort($"rank {rank} laid {label}, where {due} was due.");
            _mesh.ThrowIfAborted();
        }
    }

    private long Piece(long bytes, long at) => Math.Clamp(bytes - at, 0, _board.PartBytes);
}
