using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>How long a turn that lost its replica, or finds none, tries to go on. Each token that came renews it.</summary>
internal sealed class ReplicaPatience(SessionOptions options, TimeProvider time)
{
    private long _since = time.GetTimestamp();

    /// <summary>Attempts since the last token.</summary>
    public int Attempts { get; private set; }

    /// <summary>Between two attempts.</summary>
    public TimeSpan Pause { get; } = TimeSpan.FromMilliseconds(100);

    /// <summary>True for what another attempt may heal: a part of the cluster that is gone, or says that it cannot serve now.</summary>
    public static bool IsLoss(Exception error) => error
        is TurnRefusedException { Code: RefusalCode.Unavailable }
        or OrleansException
        or EnumerationAbortedException
        or TimeoutException;

    /// <summary>True when another attempt is to be made.</summary>
    /// <param name="cameFurther">The last one brought tokens.</param>
    public bool HasMore(bool cameFurther)
    {
        (_since, Attempts) = cameFurther ? (time.GetTimestamp(), 1) : (_since, Attempts + 1);
        return time.GetElapsedTime(_since) + Pause <= TimeSpan.FromSeconds(options.ReplicaSeconds);
    }
}
