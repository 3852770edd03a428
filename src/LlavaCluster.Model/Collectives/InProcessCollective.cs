using System.Diagnostics;
using LlavaCluster.Model.Layers;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// Ranks as threads of one process. A call has three parts: every rank lays its tensor on the table; all meet; every rank computes
/// its own result from the table; all meet again before the table is cleared. Sums are taken in order of ranks, in float32, so they
/// are the same on every rank and in every run.
/// </summary>
public sealed class InProcessCollective : ICollective
{
    private readonly Table _table;

    private InProcessCollective(Table table, int rank) => (_table, Rank) = (table, rank);

    /// <inheritdoc/>
    public int Ranks => _table.Tensors.Length;

    /// <inheritdoc/>
    public int Rank { get; }

    /// <summary>The ends of a new replica, one per rank.</summary>
    /// <param name="ranks">At least 1.</param>
    /// <param name="cancellationToken">Aborts all ranks.</param>
    public static IReadOnlyList<InProcessCollective> Create(int ranks, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        var table = new Table(ranks);
        table.Cancellation = cancellationToken.Register(() => table.Abort("they were stopped."));
        return [.. Enumerable.Range(0, ranks).Select(rank => new InProcessCollective(table, rank))];
    }

    /// <inheritdoc/>
    public void AllReduceSum(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var sum = Together(tensor, tensors =>
        {
            var sum = tensors[0].to(ScalarType.Float32, copy: true);
            for (var rank = 1; rank < tensors.Length; rank++)
            {
                sum.Gain(tensors[rank]);
            }

            return sum;
        });
        tensor.copy_(sum);
    }

    /// <inheritdoc/>
    public Tensor AllGather(Tensor local, IReadOnlyList<long> lengths)
    {
        Debug.Assert(lengths.Count == Ranks && local.shape[^1] == lengths[Rank], "The plan and the tensor agree.");
        return Together(local, tensors => cat(tensors, -1));
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root)
    {
        using var scope = NewDisposeScope();
        tensor.copy_(Together(tensor, tensors => tensors[root].clone()));
    }

    /// <inheritdoc/>
    public void Abort(string reason) => _table.Abort(reason);

    /// <inheritdoc/>
    public void ThrowIfAborted() => _table.ThrowIfAborted();

    /// <inheritdoc/>
    public void Dispose() => _table.Abort($"rank {Rank} has left.");

    /// <summary>Gives what <paramref name="read"/> makes of the table: a new tensor, which shares memory with none on it.</summary>
    private Tensor Together(Tensor mine, Func<Tensor[], Tensor> read)
    {
        try
        {
            _table.Tensors[Rank] = mine;
            _table.Meet();
            var result = read(_table.Tensors);
            _table.Meet();
            return result;
        }
        catch (Exception exception) when (exception is not CollectiveAbortedException)
        {
            Abort($"rank {Rank} failed: {exception.Message.Split('\n')[0]}");
            throw;
        }
    }

    /// <summary>What the ranks share.</summary>
    private sealed class Table(int ranks)
    {
        private readonly object _gate = new();
        private int _waiting;
        private long _meeting;
        private string? _aborted;

        public Tensor[] Tensors { get; } = new Tensor[ranks];

        public CancellationTokenRegistration Cancellation { get; set; }

        /// <summary>Returns when all ranks have called it.</summary>
        public void Meet()
        {
            lock (_gate)
            {
                ThrowIfAborted_NeedsLock();
                var meeting = _meeting;
                if (++_waiting == ranks)
                {
                    (_waiting, _meeting) = (0, _meeting + 1);
                    Monitor.PulseAll(_gate);
                    return;
                }

                while (_meeting == meeting)
                {
                    ThrowIfAborted_NeedsLock();
                    Monitor.Wait(_gate);
                }
            }
        }

        public void Abort(string reason)
        {
            lock (_gate)
            {
                _aborted ??= reason;
                Monitor.PulseAll(_gate);
            }

            Cancellation.Unregister();
        }

        public void ThrowIfAborted()
        {
            lock (_gate)
            {
                ThrowIfAborted_NeedsLock();
            }
        }

        private void ThrowIfAborted_NeedsLock()
        {
            if (_aborted is not null)
            {
                throw new CollectiveAbortedException(_aborted);
            }
        }
    }
}
