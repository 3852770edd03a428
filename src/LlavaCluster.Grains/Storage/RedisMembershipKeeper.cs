using LlavaCluster.Core.Sessions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LlavaCluster.Grains.Storage;

/// <summary>
/// Remembers who belongs to the cluster, and puts it back when Redis has lost it. Silos that know each other go on without the table, but
/// no death is written down, nobody who starts finds them, and none of them can leave: Orleans waits for its table for ever. All rows come
/// back at once and only where there is none, so that no silo ever reads a table in which others are missing.
/// </summary>
/// <param name="redis">The silo's connection.</param>
/// <param name="key">Where Orleans keeps the table.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Is told when it was put back.</param>
public sealed partial class RedisMembershipKeeper(RedisConnection redis, RedisKey key, TimeProvider time, ILogger<RedisMembershipKeeper> logger)
    : BackgroundService
{
    /// <summary>Between two looks: a silo that came within the last one before the loss is not remembered by the others.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    /// <summary>Puts fields and values into a hash that does not exist.</summary>
    private const string Restore =
        "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end redis.call('HSET', KEYS[1], unpack(ARGV)) return 1";

    private HashEntry[] _table = [];

    /// <summary>Looks once.</summary>
    /// <returns>True when the table was gone and is back by this.</returns>
    /// <exception cref="StoreUnavailableException">Redis does not answer.</exception>
    public async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        var found = await redis.AskAsync(database => database.HashGetAllAsync(key), cancellationToken).ConfigureAwait(false);
        if (found.Length > 0)
        {
            _table = found;
            return false;
        }

        if (_table.Length == 0)
        {
            return false;
        }

        RedisValue[] fields = [.. _table.SelectMany(entry => new[] { entry.Name, entry.Value })];
        var restored = (bool)await redis.AskAsync(database => database.ScriptEvaluateAsync(Restore, [key], fields), cancellationToken).ConfigureAwait(false);
        if (restored)
        {
            LogRestored(_table.Length);
        }

        return restored;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                try
                {
                    await LookAsync(stoppingToken).ConfigureAwait(false);
                }
                catch (StoreUnavailableException)
                {
                    // Whoever needs it says so; what it still has is seen when it is back.
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis had lost who belongs to the cluster; {Rows} rows are put back.")]
    private partial void LogRestored(int rows);
}
