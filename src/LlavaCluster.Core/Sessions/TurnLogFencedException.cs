namespace LlavaCluster.Core.Sessions;

/// <summary>A session's log has another length than its writer believed: another writer was there.</summary>
public sealed class TurnLogFencedException(string session, int expected, int found)
    : Exception($"Session {session}: the log has {found} entries where {expected} were expected; another writer was there. Read it again.")
{
    /// <summary>Entries that were expected.</summary>
    public int Expected { get; } = expected;

    /// <summary>Entries found.</summary>
    public int Found { get; } = found;
}
