using System.Net;
using LlavaCluster.Core.Links;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// Ranks on CPUs, each a process (or a thread) of its own, on one machine or several. Numbers go from the tensor's memory to the socket
/// or the shared memory and back, never through the managed heap; in steady state a call allocates nothing but its result. Over secure
/// connections they go through the streams' own buffers, piece by piece. Engine thread only, but for <see cref="Abort"/> and
/// <see cref="Dispose"/>.
/// </summary>
public sealed unsafe class TcpCollective : ICollective
{
    /// <summary>More ranks than any model of ours can be split into.</summary>
    public const int MaxRanks = 256;

    private readonly IRankExchange _exchange;
    private readonly NativeBuffer _gathered = new();
    private readonly long[] _bytes;

    private TcpCollective(IRankExchange exchange, int rank, int ranks, bool isSecure)
    {
        (_exchange, Rank, Ranks, IsSecure) = (exchange, rank, ranks, isSecure);
        _bytes = new long[ranks];
    }

    /// <inheritdoc/>
    public int Ranks { get; }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <summary>Every connection to another rank is a secure one.</summary>
    public bool IsSecure { get; }

    /// <summary>
    /// Meets the other ranks: calls those below, waits for those above. Blocks; each rank calls it on a thread of its own.
    /// </summary>
    /// <param name="listener">This rank's; needed only until this returns. Secure as the options are.</param>
    /// <param name="addresses">Every rank's listener, in order of ranks.</param>
    /// <param name="replica">The same on all ranks, drawn anew by who forms them.</param>
    /// <param name="epoch">Formation of the replica's ranks.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="options">The same on all ranks.</param>
    /// <param name="time">Clock of the waits.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RankLinkException">A rank is missing or refuses; says which.</exception>
    /// <exception cref="CollectiveAbortedException">A rank was lost while they formed.</exception>
    public static TcpCollective Join(
        RankListener listener,
        IReadOnlyList<IPEndPoint> addresses,
        Guid replica,
        long epoch,
        int rank,
        TcpCollectiveOptions options,
        TimeProvider time,
        CancellationToken cancellationToken = default)
    {
        var ranks = addresses.Count;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ranks, MaxRanks, nameof(addresses));
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, ranks);
        var me = new RankHello(LinkPurpose.Collective, replica, epoch, rank, ranks, rank);
        var connections = new List<RankConnection>();
        MeshExchange? mesh = null;
        try
        {
            // Nobody waits for a rank above before it has called those below, so there is no circle.
            for (var below = 0; below < rank; below++)
            {
                connections.Add(RankDialer.Dial(
                    addresses[below], me with { Called = below }, options.JoinPatience, time, options.Secure, cancellationToken));
            }

            connections.AddRange(listener.Gather(
                me, [.. Enumerable.Range(rank + 1, ranks - rank - 1)], options.JoinPatience, time, cancellationToken));
            mesh = new MeshExchange(rank, connections, options, time);
            IRankExchange exchange = options.SharedMemory && ranks > 1
                ? SharedMemoryExchange.Form(mesh, rank, ranks, options, time)
                : mesh;
            return new TcpCollective(exchange, rank, ranks, connections.Count > 0 && connections.All(connection => connection.IsSecure));
        }
        catch
        {
            mesh?.Dispose();
            connections.ForEach(connection => connection.Dispose());
            throw;
        }
    }

    /// <inheritdoc/>
    public void AllReduceSum(Tensor tensor)
    {
        try
        {
            TensorMemory.CheckHost(tensor);
            if (tensor.is_contiguous())
            {
                Reduce(tensor);
                return;
            }

            using var dense = tensor.contiguous();
            Reduce(dense);
            tensor.copy_(dense);
        }
        catch (Exception error) when (error is not CollectiveAbortedException)
        {
            throw Failed(error);
        }
    }

    /// <inheritdoc/>
    public Tensor AllGather(Tensor local, IReadOnlyList<long> lengths)
    {
        try
        {
            TensorMemory.CheckHost(local);
            var shape = local.shape;
            if (lengths.Count != Ranks || shape.Length == 0 || shape[^1] != lengths[Rank])
            {
                throw new ArgumentException(
                    $"Rank {Rank} of {Ranks} gathers a tensor [{string.Join(", ", shape)}] as one of lengths [{string.Join(", ", lengths)}].",
                    nameof(lengths));
            }

            using var scope = NewDisposeScope();
            var dense = local.is_contiguous() ? local : local.contiguous();
            shape[^1] = lengths.Sum();
            var all = empty(shape, local.dtype, local.device);
            Gather(dense, all, lengths);
            GC.KeepAlive(dense);
            return all.MoveToOuterDisposeScope();
        }
        catch (Exception error) when (error is not CollectiveAbortedException)
        {
            throw Failed(error);
        }
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root)
    {
        try
        {
            TensorMemory.CheckHost(tensor);
            ArgumentOutOfRangeException.ThrowIfNegative(root);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, Ranks);
            using var scope = NewDisposeScope();
            var dense = tensor.is_contiguous() ? tensor : tensor.contiguous();
            _exchange.Broadcast(TensorMemory.Of(dense), dense.NumberOfElements * dense.ElementSize, root);
            if (!ReferenceEquals(dense, tensor))
            {
                tensor.copy_(dense);
            }

            GC.KeepAlive(dense);
        }
        catch (Exception error) when (error is not CollectiveAbortedException)
        {
            throw Failed(error);
        }
    }

    /// <inheritdoc/>
    public void Abort(string reason) => _exchange.Abort(reason);

    /// <inheritdoc/>
    public void ThrowIfAborted() => _exchange.ThrowIfAborted();

    /// <inheritdoc/>
    public void Dispose()
    {
        _exchange.Dispose();
        lock (_gathered)
        {
            _gathered.Dispose();
        }
    }

    private void Reduce(Tensor dense)
    {
        if (Ranks > 1)
        {
            _exchange.AllReduce(dense.dtype, TensorMemory.Of(dense), dense.NumberOfElements);
            GC.KeepAlive(dense);
        }
    }

    private void Gather(Tensor local, Tensor all, IReadOnlyList<long> lengths)
    {
        var size = local.ElementSize;
        var width = all.shape[^1] * size;
        var rows = width == 0 ? 0 : all.NumberOfElements * size / width;
        for (var rank = 0; rank < Ranks; rank++)
        {
            _bytes[rank] = rows * lengths[rank] * size;
        }

        var into = TensorMemory.Of(all);
        if (rows <= 1)
        {
            _exchange.AllGather(TensorMemory.Of(local), _bytes, into);
            return;
        }

        lock (_gathered)
        {
            GatherRows(local, into, lengths, rows, width, size);
        }
    }

    private void GatherRows(Tensor local, byte* into, IReadOnlyList<long> lengths, long rows, long width, long size)
    {
        // gathered: | rows of rank 0 | rows of rank 1 | …    wanted: | row 0 of rank 0, of rank 1, … | row 1 … |
        var gathered = _gathered.Reserve(rows * width);
        _exchange.AllGather(TensorMemory.Of(local), _bytes, gathered);
        for (var (rank, column) = (0, 0L); rank < Ranks; rank++)
        {
            var part = lengths[rank] * size;
            for (long row = 0; row < rows; row++)
            {
                Buffer.MemoryCopy(gathered, into + (row * width) + column, part, part);
                gathered += part;
            }

            column += part;
        }
    }

    /// <summary>The other ranks must not wait for a call that this one could not make.</summary>
    private Exception Failed(Exception error)
    {
        Abort($"rank {Rank} failed: {error.Message.Split('\n')[0]}");
        return error;
    }
}
