using System.Runtime.CompilerServices;

namespace LlavaCluster.Core.Sessions;

/// <summary>A log that ends with the process. For tests and for runs that keep nothing.</summary>
/// <param name="time">The clock; null: the system's.</param>
public sealed class MemoryTurnLog(TimeProvider? time = null) : ITurnLog
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Dictionary<string, List<TurnLogEntry>> _entries = [];
    private readonly Dictionary<string, DateTimeOffset> _usedAt = [];

    /// <inheritdoc/>
    public Task<IReadOnlyList<TurnLogEntry>> ReadAsync(string session, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyList<TurnLogEntry>>(_entries.TryGetValue(session, out var entries) ? [.. entries] : []);
        }
    }

    /// <inheritdoc/>
    public Task AppendAsync(string session, int expectedLength, TurnLogEntry entry, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            var found = _entries.TryGetValue(session, out var entries) ? entries.Count : 0;
            if (found != expectedLength)
            {
                throw new TurnLogFencedException(session, expectedLength, found);
            }

            if (entries is null)
            {
                _entries.Add(session, entries = []);
            }

            entries.Add(entry);
            _usedAt[session] = _time.GetUtcNow();
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string session, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _entries.Remove(session);
            _usedAt.Remove(session);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LoggedSession> ListAsync(
        DateTimeOffset? usedBefore, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        LoggedSession[] all;
        lock (_lock)
        {
            all = [.. _usedAt.Select(pair => new LoggedSession(pair.Key, pair.Value))];
        }

        foreach (var session in all.Where(s => s.UsedAt < (usedBefore ?? DateTimeOffset.MaxValue))
            .OrderByDescending(s => s.UsedAt).ThenBy(s => s.Session, StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return session;
        }

        await Task.CompletedTask;
    }
}
