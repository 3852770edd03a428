namespace LlavaCluster.Core.Sessions;

/// <summary>
/// Which entries of a log in files are on the disk itself, not only with the operating system, when their append is over. What the
/// operating system has survives the end of every process, but not the loss of power.
/// </summary>
public enum TurnLogSync
{
    /// <summary>Beginnings and ends of turns. Tokens in between may be lost with the power; they are generated again, the same.</summary>
    Turns,

    /// <summary>Every entry.</summary>
    Always,

    /// <summary>None: the operating system writes when it likes.</summary>
    Never,
}
