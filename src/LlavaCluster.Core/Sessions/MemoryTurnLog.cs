namespace LlavaCluster.Core.Sessions;

/// <summary>A log that ends with the process. For tests and for runs that keep nothing.</summary>
public sealed class MemoryTurnLog : ITurnLog
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<TurnLogEntry>> _entries = [];

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
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string session, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _entries.Remove(session);
        }

        return Task.CompletedTask;
    }
}
