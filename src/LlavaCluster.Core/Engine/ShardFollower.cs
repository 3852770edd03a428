using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// A rank that follows: one thread of its own that makes a runner and does with it what the leader sends. It keeps no plan of its own,
/// only the numbers of the next step and the next move: one of another epoch, or out of order, means that KV would be wrong, and ends it.
/// </summary>
public sealed class ShardFollower : IAsyncDisposable
{
    private readonly int _rank;
    private readonly long _epoch;
    private readonly Func<IModelRunner> _runner;
    private readonly IShardLink _link;
    private readonly IKvSource? _moves;
    private readonly LentParts? _lent;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Thread? _thread;
    private long _steps;
    private long _movesDone;

    /// <summary>Nothing runs before <see cref="StartAsync"/>.</summary>
    /// <param name="rank">This rank, from 1.</param>
    /// <param name="epoch">Formation of the replica's ranks.</param>
    /// <param name="runner">Makes the rank's runner; called on its thread, which also uses and disposes it.</param>
    /// <param name="link">From the leader; not disposed here.</param>
    /// <param name="moves">Where it fetches its part of KV that other replicas computed; null: nowhere.</param>
    /// <param name="lent">What the ranks of this process lend to others; null: nothing.</param>
    public ShardFollower(
        int rank, long epoch, Func<IModelRunner> runner, IShardLink link, IKvSource? moves = null, LentParts? lent = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        (_rank, _epoch, _runner, _link, _moves, _lent) = (rank, epoch, runner, link, moves, lent);
    }

    /// <summary>
    /// Completes when the leader said stop; fails with what ended the thread otherwise. The runner is disposed by then: its memory may serve
    /// another formation.
    /// </summary>
    public Task Completion => _ended.Task;

    /// <summary>Starts the thread; completes when the runner is made, or fails with what its factory threw.</summary>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_thread is not null)
        {
            throw new InvalidOperationException($"Rank {_rank} was started before.");
        }

        _thread = new Thread(Run) { IsBackground = true, Name = $"shard {_rank}" };
        _thread.Start();
        return _started.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Ends the thread without the leader's word; waits for it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_thread is not null)
        {
            await _ended.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Run()
    {
        try
        {
            Follow();
            _ended.TrySetResult();
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            _ended.TrySetResult();
        }
        catch (Exception error)
        {
            _link.Leave(_rank, error.Message);
            _started.TrySetException(error);
            _ended.TrySetException(error);
        }
    }

    private void Follow()
    {
        using var runner = _runner();
        using var parts = PartMover.Of(_rank, runner, _moves, _lent);
        _started.TrySetResult();
        while (Obey(runner, parts, _link.Receive(_rank, _stop.Token)))
        {
        }
    }

    private bool Obey(IModelRunner runner, PartMover? parts, ShardMessage message)
    {
        switch (message)
        {
            case ShardMessage.LoadImage load:
                runner.LoadImage(load.Features);
                return true;
            case ShardMessage.ForgetImage forget:
                runner.ForgetImage(forget.Image);
                return true;
            case ShardMessage.Run run:
                Check("step", run.Plan.Epoch, run.Plan.Step, _steps++);
                runner.Run(run.Plan);
                return true;
            case ShardMessage.Move move:
                var mover = runner.Mover
                    ?? throw new InvalidOperationException($"Rank {_rank} was told to move KV blocks; it has no slower memory for them.");
                Check("move", move.Epoch, move.Number, ++_movesDone);
                MoveCheck.Check(move.What, runner.Capacity.BlockCount, mover);
                mover.Begin(move.What, (_, result) => _link.Answer(_rank, new MoveAnswer(move.Number, result)));
                return true;
            case ShardMessage.Part part:
                if (parts is null)
                {
                    throw new InvalidOperationException($"Rank {_rank} was told to move KV between replicas; it has none that can be moved.");
                }

                Check("move", part.Epoch, part.Number, ++_movesDone);
                MoveCheck.Check(part.What, runner.Capacity.BlockCount);
                parts.Begin(part.What, result => _link.Answer(_rank, new MoveAnswer(part.Number, result)));
                return true;
            default:
                return false;
        }
    }

    private void Check(string what, long epoch, long number, long expected)
    {
        if (epoch != _epoch || number != expected)
        {
            throw new InvalidOperationException(
                $"Rank {_rank} was sent {what} {number} of epoch {epoch}; it is at {what} {expected} of epoch {_epoch}.");
        }
    }
}
