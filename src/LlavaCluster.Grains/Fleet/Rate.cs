namespace LlavaCluster.Grains.Fleet;

/// <summary>How fast a count grows, over about the last seconds. One thread.</summary>
internal sealed class Rate(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    private long _at = time.GetTimestamp();
    private long _count;

    /// <summary>In a second.</summary>
    public double PerSecond { get; private set; }

    /// <summary>Takes the count as it is now.</summary>
    public double Update(long count)
    {
        var took = time.GetElapsedTime(_at);
        if (took >= Window)
        {
            var now = (count - _count) / took.TotalSeconds;
            PerSecond = (PerSecond + now) / 2;
            (_at, _count) = (time.GetTimestamp(), count);
        }

        return PerSecond;
    }
}
