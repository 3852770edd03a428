using System.Runtime.CompilerServices;
using LlavaCluster.Core.Sessions;
using StackExchange.Redis;

namespace LlavaCluster.Grains.Storage;

/// <summary>
/// One Redis list per session, and one sorted set of all sessions by their last use. An append is one script: it writes only where the list
/// has the length that the writer expects. Every element begins with a number of its own, by which an append that is asked again, because
/// its answer was lost, knows that it is done. Redis should run with <c>appendonly yes</c> and <c>maxmemory-policy noeviction</c>.
/// </summary>
/// <param name="redis">The connection.</param>
/// <param name="time">The clock that says when a session was used; null: the system's.</param>
public sealed class RedisTurnLog(RedisConnection redis, TimeProvider? time = null) : ITurnLog
{
    private const int MarkLength = 32;
    private const int PageLength = 512;

    private const string Append = """
        local n = redis.call('LLEN', KEYS[1])
        if n == tonumber(ARGV[1]) + 1 and redis.call('LINDEX', KEYS[1], -1) == ARGV[2] then return n end
        if n ~= tonumber(ARGV[1]) then return -n - 1 end
        redis.call('RPUSH', KEYS[1], ARGV[2])
        redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
        return n + 1
        """;

    private const string Delete = """
        redis.call('ZREM', KEYS[2], ARGV[1])
        return redis.call('DEL', KEYS[1])
        """;

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    // Scores are negative times, so that the order of the set is the order of the list: last first, then by name.
    private readonly RedisKey _sessions = redis.Key("sessions", "used");

    /// <inheritdoc/>
    public async Task<IReadOnlyList<TurnLogEntry>> ReadAsync(string session, CancellationToken cancellationToken)
    {
        var elements = await redis.AskAsync(database => database.ListRangeAsync(KeyOf(session)), cancellationToken).ConfigureAwait(false);
        var entries = new List<TurnLogEntry>(elements.Length);
        foreach (var element in elements)
        {
            entries.Add(ReadEntry(session, entries.Count, (ReadOnlyMemory<byte>)element));
        }

        return entries;
    }

    /// <inheritdoc/>
    public async Task AppendAsync(string session, int expectedLength, TurnLogEntry entry, CancellationToken cancellationToken)
    {
        byte[] element = [.. System.Text.Encoding.ASCII.GetBytes(Guid.NewGuid().ToString("N")), .. TurnLogRecord.Write(entry)];
        var found = (long)await redis.AskAsync(
            database => database.ScriptEvaluateAsync(
                Append, [KeyOf(session), _sessions], [expectedLength, element, -_time.GetUtcNow().ToUnixTimeMilliseconds(), session]),
            cancellationToken).ConfigureAwait(false);
        if (found < 0)
        {
            throw new TurnLogFencedException(session, expectedLength, (int)(-found - 1));
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string session, CancellationToken cancellationToken) =>
        redis.AskAsync(database => database.ScriptEvaluateAsync(Delete, [KeyOf(session), _sessions], [session]), cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<LoggedSession> ListAsync(
        DateTimeOffset? usedBefore, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var first = usedBefore is { } before ? -before.ToUnixTimeMilliseconds() : double.NegativeInfinity;
        for (var skip = 0L; ; skip += PageLength)
        {
            var page = await redis.AskAsync(
                database => database.SortedSetRangeByScoreWithScoresAsync(
                    _sessions, first, double.PositiveInfinity, Exclude.Start, Order.Ascending, skip, PageLength),
                cancellationToken).ConfigureAwait(false);
            foreach (var (session, score) in page.Select(one => (one.Element.ToString(), one.Score)))
            {
                yield return new LoggedSession(session, DateTimeOffset.FromUnixTimeMilliseconds((long)-score));
            }

            if (page.Length < PageLength)
            {
                yield break;
            }
        }
    }

    private static TurnLogEntry ReadEntry(string session, int number, ReadOnlyMemory<byte> element)
    {
        try
        {
            return element.Length > MarkLength
                ? TurnLogRecord.Read(element.Span[MarkLength..])
                : throw new InvalidDataException("it is too short");
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"Session {session} in Redis, entry {number}: not an entry of a session's log ({error.Message}).", error);
        }
    }

    private RedisKey KeyOf(string session) => redis.Key("turns", session);
}
