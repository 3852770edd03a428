using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;

namespace LlavaCluster.Silo.Hosting;

/// <summary>What this process can do now, and how many turns run through it. Any thread.</summary>
internal sealed class Readiness : ISiloState
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private State _state = State.Starting;
    private int _turns;

    private enum State
    {
        Starting,
        Ready,
        Draining,
    }

    /// <summary>Takes new turns.</summary>
    public bool IsReady
    {
        get
        {
            lock (_gate)
            {
                return _state == State.Ready;
            }
        }
    }

    /// <inheritdoc/>
    public bool IsDraining
    {
        get
        {
            lock (_gate)
            {
                return _state == State.Draining;
            }
        }
    }

    /// <summary>Turns that run through this process.</summary>
    public int Turns
    {
        get
        {
            lock (_gate)
            {
                return _turns;
            }
        }
    }

    /// <summary>Everything is warm.</summary>
    public void SetReady()
    {
        lock (_gate)
        {
            _state = _state == State.Starting ? State.Ready : _state;
        }
    }

    /// <summary>Takes no new turns from now on.</summary>
    /// <returns>Completes when no turn runs any more.</returns>
    public Task DrainAsync()
    {
        lock (_gate)
        {
            _state = State.Draining;
            if (_turns == 0)
            {
                _idle.TrySetResult();
            }
        }

        return _idle.Task;
    }

    /// <summary>Throws while the process cannot answer at all.</summary>
    /// <exception cref="TurnRefusedException">Unavailable: it is starting.</exception>
    public void RequireStarted()
    {
        lock (_gate)
        {
            if (_state == State.Starting)
            {
                throw new TurnRefusedException(
                    RefusalCode.Unavailable,
                    "The server is starting: its model is being loaded. Try again in a moment.",
                    RetryAfter);
            }
        }
    }

    /// <summary>Counts a turn until the result is disposed.</summary>
    /// <exception cref="TurnRefusedException">Unavailable: starting or draining.</exception>
    public IDisposable BeginTurn()
    {
        RequireStarted();
        lock (_gate)
        {
            if (_state == State.Draining)
            {
                throw new TurnRefusedException(
                    RefusalCode.Unavailable, "The server is shutting down and takes no new turns. Ask another gateway, or try again later.", RetryAfter);
            }

            _turns++;
        }

        return new RunningTurn(this);
    }

    private void End()
    {
        lock (_gate)
        {
            if (--_turns == 0 && _state == State.Draining)
            {
                _idle.TrySetResult();
            }
        }
    }

    private sealed class RunningTurn(Readiness readiness) : IDisposable
    {
        private Readiness? _readiness = readiness;

        public void Dispose() => Interlocked.Exchange(ref _readiness, null)?.End();
    }
}
