using LlavaCluster.Core.Sessions;

namespace LlavaCluster.Cluster.Tests;

/// <summary>A log in memory that can be made unreachable.</summary>
internal sealed class FlakyTurnLog : ITurnLog
{
    public const string Sentence = "The log is on holiday.";

    private readonly MemoryTurnLog _log = new();

    /// <summary>Appends for which this holds fail, and leave nothing.</summary>
    public Func<TurnLogEntry, bool> Fails { get; set; } = _ => false;

    /// <summary>Appends wait for this, and fail when it does.</summary>
    public Func<TurnLogEntry, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>Reading fails.</summary>
    public bool CannotRead { get; set; }

    /// <summary>Reading waits for this.</summary>
    public Task Readable { get; set; } = Task.CompletedTask;

    public async Task<IReadOnlyList<TurnLogEntry>> ReadAsync(string session, CancellationToken cancellationToken)
    {
        await Readable.WaitAsync(cancellationToken);
        return CannotRead ? throw new StoreUnavailableException(Sentence) : await _log.ReadAsync(session, cancellationToken);
    }

    public async Task AppendAsync(string session, int expectedLength, TurnLogEntry entry, CancellationToken cancellationToken)
    {
        await Before(entry);
        if (Fails(entry))
        {
            throw new StoreUnavailableException(Sentence);
        }

        await _log.AppendAsync(session, expectedLength, entry, cancellationToken);
    }

    public Task DeleteAsync(string session, CancellationToken cancellationToken) => _log.DeleteAsync(session, cancellationToken);

    public IAsyncEnumerable<LoggedSession> ListAsync(DateTimeOffset? usedBefore, CancellationToken cancellationToken) =>
        _log.ListAsync(usedBefore, cancellationToken);
}
