namespace LlavaCluster.Training.Recipe.Run;

/// <summary>How fast steps go: over about the last fifty of them. One thread.</summary>
internal sealed class Pace(TimeProvider time)
{
    private const double Memory = 0.98;

    private long _last = time.GetTimestamp();
    private double _seconds;
    private double _units;
    private double _steps;

    /// <summary>Units per second; 0 before the first step.</summary>
    public double PerSecond => _seconds > 0 ? _units / _seconds : 0;

    /// <summary>A step is done.</summary>
    /// <returns>Seconds that it took.</returns>
    public double Add(int units)
    {
        var took = time.GetElapsedTime(_last).TotalSeconds;
        _last = time.GetTimestamp();
        _seconds = (Memory * _seconds) + took;
        _units = (Memory * _units) + units;
        _steps = (Memory * _steps) + 1;
        return took;
    }

    /// <summary>What was done since the last step is no part of the next one.</summary>
    public void Skip() => _last = time.GetTimestamp();

    /// <summary>Time that so many steps take; null before the first step.</summary>
    public TimeSpan? Left(int steps) => _steps > 0 ? TimeSpan.FromSeconds(_seconds / _steps * steps) : null;
}
