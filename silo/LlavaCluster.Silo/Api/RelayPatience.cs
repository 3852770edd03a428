using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Silo.Api;

/// <summary>
/// How long a turn whose session is lost to this gateway is asked for anew before the client is told. Only the time since the session was
/// lost counts: a turn that waited long for its first token is as patient as any.
/// </summary>
internal sealed class RelayPatience(TimeProvider time)
{
    /// <summary>The client may then ask another gateway.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>A session that was listened to for so long was there, and has left since.</summary>
    private static readonly TimeSpan Standing = TimeSpan.FromSeconds(2);

    private long _asked;
    private long? _lost;

    /// <summary>The session is asked.</summary>
    public void Ask() => _asked = time.GetTimestamp();

    /// <summary>It said something.</summary>
    public void Hear() => _lost = null;

    /// <summary>It is lost: true when it is to be asked again.</summary>
    public bool HasMore(Exception error)
    {
        if (!IsMoving(error))
        {
            return false;
        }

        // No answer at all is no sign of a session that was there.
        if (error is not TimeoutException && time.GetElapsedTime(_asked) >= Standing)
        {
            _lost = null;
        }

        _lost ??= time.GetTimestamp();
        return time.GetElapsedTime(_lost.Value) < Longest;
    }

    /// <summary>The session itself says that it leaves, its silo is lost, or does not answer.</summary>
    private static bool IsMoving(Exception error) => error
        is TurnRefusedException { Code: RefusalCode.Moving }
        or EnumerationAbortedException
        or SiloUnavailableException
        or OrleansMessageRejectionException
        or TimeoutException;
}
