using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>What a copy of a conversation begins with.</summary>
internal static class ForkRule
{
    /// <summary>The entries of a log up to the end of a turn.</summary>
    /// <param name="log">The log.</param>
    /// <param name="session">The session to copy.</param>
    /// <param name="turnId">The last turn of the copy; empty: the last one that is over.</param>
    /// <exception cref="TurnRefusedException">NotFound: no such turn. TurnRunning: it is not over.</exception>
    public static async Task<IReadOnlyList<TurnLogEntry>> EntriesAsync(ITurnLog log, string session, string turnId)
    {
        var entries = await log.ReadAsync(session, CancellationToken.None);
        var ends = entries.OfType<TurnEnded>().ToArray();
        // A turn that was resumed has several ends; the last one counts.
        var end = turnId.Length == 0 ? ends.LastOrDefault() : ends.LastOrDefault(one => one.TurnId == turnId);
        if (end is null)
        {
            throw entries.OfType<TurnStarted>().Any(one => turnId.Length == 0 || one.TurnId == turnId)
                ? new TurnRefusedException(
                    RefusalCode.TurnRunning, "The turn to fork at is not over; wait for it, cancel it, or name an earlier one.", TimeSpan.FromSeconds(1))
                : new TurnRefusedException(RefusalCode.NotFound, $"The session has no turn '{turnId}'; GetSession lists those it has.");
        }

        var kept = entries.Take(entries.ToList().LastIndexOf(end) + 1).ToArray();
        var isReopened = entries.Skip(kept.Length).Any(one => one is TurnResumed resumed && resumed.TurnId == end.TurnId);
        return isReopened
            ? throw new TurnRefusedException(
                RefusalCode.TurnRunning, "The turn to fork at is not over; wait for it, cancel it, or name an earlier one.", TimeSpan.FromSeconds(1))
            : kept;
    }
}
