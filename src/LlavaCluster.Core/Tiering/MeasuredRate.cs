namespace LlavaCluster.Core.Tiering;

/// <summary>A rate that follows what was measured lately: each measurement weighs as much as the time it took.</summary>
internal sealed class MeasuredRate
{
    /// <summary>What is left of the weight of a measurement at the next one.</summary>
    private const double Fading = 0.8;

    private double _amount;
    private double _seconds;

    /// <summary>What is believed before anything was measured; 0: nothing is.</summary>
    public double Start { get; init; }

    /// <summary>Amount per second; before anything was measured <see cref="Start"/>.</summary>
    public double PerSecond => _seconds > 0 ? _amount / _seconds : Start;

    /// <summary>So much was done in this time.</summary>
    public void Add(double amount, TimeSpan took)
    {
        if (amount > 0 && took > TimeSpan.Zero)
        {
            _amount = (_amount * Fading) + amount;
            _seconds = (_seconds * Fading) + took.TotalSeconds;
        }
    }
}
