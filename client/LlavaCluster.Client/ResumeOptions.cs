namespace LlavaCluster.Client;

/// <summary>What a client does when a stream breaks that had begun.</summary>
public sealed record ResumeOptions
{
    /// <summary>Without any event for this long the client gives up; zero: it never asks again.</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Pause before the first new attempt; each further one is twice as long.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest pause.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A connection on which nothing came for so long is tried, however long the answer itself takes: a server that stopped or was cut off
    /// leaves it open. At least a second.
    /// </summary>
    public TimeSpan PingAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Without an answer to that within so long the stream counts as broken. At least a second.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>The pauses of one turn's attempts. One caller at a time.</summary>
internal sealed class ResumePatience(ResumeOptions options, TimeProvider time)
{
    private long _lastSign = time.GetTimestamp();
    private TimeSpan _pause = options.FirstPause;

    /// <summary>The server gave a sign of life.</summary>
    public void Renew()
    {
        _lastSign = time.GetTimestamp();
        _pause = options.FirstPause;
    }

    /// <summary>Waits before the next attempt.</summary>
    /// <returns>False when it is time to give up.</returns>
    public async Task<bool> PauseAsync(CancellationToken cancellationToken)
    {
        if (time.GetElapsedTime(_lastSign) + _pause > options.GiveUpAfter)
        {
            return false;
        }

        await Task.Delay(_pause, time, cancellationToken);
        _pause = _pause * 2 < options.LongestPause ? _pause * 2 : options.LongestPause;
        return true;
    }
}
