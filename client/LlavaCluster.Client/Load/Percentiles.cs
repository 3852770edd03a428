namespace LlavaCluster.Client.Load;

/// <summary>Times in order, to ask for percentiles: the smallest that so many percent of all do not exceed.</summary>
internal sealed class Percentiles
{
    private readonly double[] _seconds;

    private Percentiles(double[] seconds) => _seconds = seconds;

    /// <summary>How many times there are.</summary>
    public int Count => _seconds.Length;

    /// <summary>Of these times.</summary>
    public static Percentiles Of(IEnumerable<TimeSpan> times) => new([.. times.Select(time => time.TotalSeconds).Order()]);

    /// <summary>A percentile in seconds; 0 when there are no times.</summary>
    public double At(double percent) =>
        _seconds.Length == 0 ? 0 : _seconds[Math.Clamp((int)Math.Ceiling(percent / 100 * _seconds.Length) - 1, 0, _seconds.Length - 1)];
}
