namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Decoding and encoding take turns on the processors that both would use. While a step of the language model is computed, the tower's threads
/// stop behind the piece that they are at; before the next step they get a share of the time that steps took. So somebody who reads an answer
/// waits a known while longer for each token, whatever pictures come, and pictures always come further: a thread of the tower waits for one
/// step at most, and does a piece then even if it woke too late for the gap; a step that takes very long is not waited for. Any thread.
/// </summary>
/// <param name="time">Measures steps.</param>
internal sealed class ProcessorTurns(TimeProvider time)
{
    /// <summary>What the tower gets of the time of steps: tokens come 1.4 times as far apart, and the tower has the processors for 2/7 of the time.</summary>
    public const double Share = 0.4;

    /// <summary>So long a step is waited for. One that takes longer is a long prompt's, or waits for another rank: the tower computes beside it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    /// <summary>What is owed is paid when it is worth a change of turns.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    /// <summary>What the tower had too much at most counts: after a rest of the decoder it waits for no more than a few steps.</summary>
    public static readonly TimeSpan MostAhead = TimeSpan.FromMilliseconds(20);

    private readonly object _change = new();
    private TimeSpan _owed;
    private long _free;
    private long _began;
    private long _gaps;
    private volatile int _steps;
    private int _towers;

    /// <summary>Those of the process.</summary>
    public static ProcessorTurns OfProcess { get; } = new(TimeProvider.System);

    /// <summary>Time that the tower has coming before the next step; 0 without a tower.</summary>
    public TimeSpan Owed
    {
        get
        {
            lock (_change)
            {
                Charge();
                return _towers > 0 && _steps == 0 && _owed >= Shortest ? _owed : TimeSpan.Zero;
            }
        }
    }

    /// <summary>A step begins, after the pause that a tower has coming; it is over when the tower is.</summary>
    public void BeginStep()
    {
        lock (_change)
        {
            for (var pause = Owed; pause > TimeSpan.Zero; pause = Owed)
            {
                Monitor.Wait(_change, pause);
            }

            Charge();
            if (_steps++ == 0)
            {
                _began = time.GetTimestamp();
            }
        }
    }

    /// <summary>A step is done.</summary>
    public void EndStep()
    {
        lock (_change)
        {
            if (--_steps > 0)
            {
                return; // of another rank
            }

            _free = time.GetTimestamp();
            _gaps++;
            var waited = time.GetElapsedTime(_began, _free);
            _owed = _towers > 0 ? _owed + (Share * (waited < Patience ? waited : Patience)) : TimeSpan.Zero;
            Monitor.PulseAll(_change);
        }
    }

    /// <summary>A tower begins to compute.</summary>
    public void BeginTower()
    {
        lock (_change)
        {
            _towers++;
        }
    }

    /// <summary>It is done.</summary>
    public void EndTower()
    {
        lock (_change)
        {
            if (--_towers == 0)
            {
                Monitor.PulseAll(_change);
            }
        }
    }

    /// <summary>A tower's thread is between two pieces: it waits while a step is computed.</summary>
    public void GiveWay()
    {
        if (_steps == 0)
        {
            return;
        }

        lock (_change)
        {
            var gap = _gaps;
            while (_steps > 0 && _gaps == gap)
            {
                var left = Patience - time.GetElapsedTime(_began);
                if (left <= TimeSpan.Zero)
                {
                    return;
                }

                Monitor.Wait(_change, left);
            }
        }
    }

    /// <summary>
    /// Takes off what the tower had since the last step: the pause, and what lies around it; on busy processors that is more than was meant.
    /// </summary>
    private void Charge()
    {
        if (_steps == 0)
        {
            var now = time.GetTimestamp();
            _owed -= time.GetElapsedTime(_free, now);
            _owed = _owed < -MostAhead ? -MostAhead : _owed;
            _free = now;
        }
    }
}
