namespace LlavaCluster.Core.Sessions;

/// <summary>
/// The durable record of each session: an append-only list of entries. Appending says how long the list is believed to be, so that
/// of two writers one is refused. Any thread.
/// </summary>
public interface ITurnLog
{
    /// <summary>All entries of a session, oldest first; empty when there is none.</summary>
    /// <exception cref="StoreUnavailableException">It cannot be read now.</exception>
    /// <exception cref="InvalidDataException">An entry is damaged.</exception>
    Task<IReadOnlyList<TurnLogEntry>> ReadAsync(string session, CancellationToken cancellationToken);

    /// <summary>Appends one entry.</summary>
    /// <param name="session">Session id.</param>
    /// <param name="expectedLength">Entries that the writer believes are there.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="cancellationToken">Gives up before the append.</param>
    /// <exception cref="TurnLogFencedException">The list has another length: somebody else wrote.</exception>
    /// <exception cref="StoreUnavailableException">It cannot be written now; the entry may be there or not.</exception>
    Task AppendAsync(string session, int expectedLength, TurnLogEntry entry, CancellationToken cancellationToken);

    /// <summary>Removes every entry of a session; nothing happens when there is none.</summary>
    /// <exception cref="StoreUnavailableException">It cannot be reached now.</exception>
    Task DeleteAsync(string session, CancellationToken cancellationToken);

    /// <summary>The sessions that have entries, the one used last first; of those used at one time the lesser id (ordinal) first.</summary>
    /// <param name="usedBefore">Only those whose last entry is older than this; null: all.</param>
    /// <param name="cancellationToken">Ends the list.</param>
    /// <exception cref="StoreUnavailableException">It cannot be read now.</exception>
    IAsyncEnumerable<LoggedSession> ListAsync(DateTimeOffset? usedBefore, CancellationToken cancellationToken);
}
