using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// How long a turn that lost its replica, or finds none, tries to go on. Only the time without a replica counts, however long the turn
/// stood in the queue of one that was then lost; each token that came renews it.
/// </summary>
internal sealed class ReplicaPatience(SessionOptions options, TimeProvider time)
{
    private long _since = time.GetTimestamp();
    private TimeSpan _without;
    private bool _hasReplica;

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

    /// <summary>A replica has taken the turn.</summary>
    public void Accepted()
    {
        _without += time.GetElapsedTime(_since);
        _hasReplica = true;
    }

    /// <summary>It is lost, or none was found: true when another attempt is to be made.</summary>
    /// <param name="cameFurther">The last one brought tokens.</param>
    public bool HasMore(bool cameFurther)
    {
        _without += _hasReplica ? TimeSpan.Zero : time.GetElapsedTime(_since);
        (_since, _hasReplica) = (time.GetTimestamp(), false);
        (_without, Attempts) = cameFurther ? (TimeSpan.Zero, 1) : (_without, Attempts + 1);
        return _without + Pause <= TimeSpan.FromSeconds(options.ReplicaSeconds);
    }
}
