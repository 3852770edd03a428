using System.Net.Sockets;
using LlavaCluster.Core.Sessions;
using StackExchange.Redis;

namespace LlavaCluster.Grains.Storage;

/// <summary>
/// The connection of a process to its Redis, and how long an answer is waited for: a Redis that restarts, or does not move for a while, is
/// asked again until the patience is over. What is asked may therefore arrive twice, and must not mind. Any thread.
/// </summary>
public sealed class RedisConnection : IAsyncDisposable
{
    /// <summary>How long one attempt waits for its answer.</summary>
    private const int AttemptMilliseconds = 1000;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly ConnectionMultiplexer _redis;
    private readonly string _prefix;
    private readonly TimeSpan _patience;
    private readonly TimeProvider _time;

    private RedisConnection(ConnectionMultiplexer redis, string prefix, TimeSpan patience, TimeProvider time) =>
        (_redis, _prefix, _patience, _time) = (redis, prefix, patience, time);

    /// <summary>What StackExchange.Redis is told.</summary>
    /// <param name="address"><c>host:port</c>, with StackExchange.Redis' options behind commas when needed.</param>
    /// <exception cref="ArgumentException">That is no address.</exception>
    public static ConfigurationOptions Options(string address)
    {
        var options = ConfigurationOptions.Parse(address);
        options.ClientName = "llava";
        options.ConnectTimeout = 3000;
        options.ConnectRetry = 1;
        options.AsyncTimeout = AttemptMilliseconds;
        options.SyncTimeout = AttemptMilliseconds;
        options.ReconnectRetryPolicy = new LinearRetry(200);
        return options;
    }

    /// <summary>Connects; asks again while something listens at the address but does not answer.</summary>
    /// <param name="address">As <see cref="Options"/> takes it.</param>
    /// <param name="prefix">Begins every key: clusters of different names share a Redis without meeting.</param>
    /// <param name="patience">How long an answer is waited for.</param>
    /// <param name="time">The clock; null: the system's.</param>
    /// <exception cref="StoreUnavailableException">It does not answer, or refuses us.</exception>
    public static async Task<RedisConnection> OpenAsync(string address, string prefix, TimeSpan patience, TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                var redis = await ConnectionMultiplexer.ConnectAsync(Options(address)).ConfigureAwait(false);
                await redis.GetDatabase().PingAsync().ConfigureAwait(false);
                return new RedisConnection(redis, prefix, patience, time);
            }
            catch (Exception error) when (MayPass(error) || error is RedisException or ArgumentException)
            {
                // Something listens: it is busy, or still reads its files. Nobody there is a mistake, told at once.
                if (!MayPass(error) || time.GetElapsedTime(began) >= patience || !await IsListeningAsync(address).ConfigureAwait(false))
                {
                    throw new StoreUnavailableException($"Redis at {address} cannot be reached: {error.Message}", error);
                }

                await Task.Delay(Pause, time).ConfigureAwait(false);
            }
        }
    }

    /// <summary>A key of this cluster.</summary>
    internal RedisKey Key(string kind, string name) => $"{_prefix}:{kind}:{name}";

    /// <summary>Asks, again and again while Redis does not answer.</summary>
    /// <exception cref="StoreUnavailableException">Patience is over, or Redis refuses. What was asked may be done or not.</exception>
    internal async Task<T> AskAsync<T>(Func<IDatabase, Task<T>> ask, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return await ask(_redis.GetDatabase()).ConfigureAwait(false);
            }
            catch (Exception error) when (MayPass(error) && _time.GetElapsedTime(began) < _patience)
            {
                await Task.Delay(Pause, _time, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (MayPass(error) || error is RedisException or ObjectDisposedException)
            {
                throw new StoreUnavailableException(
                    MayPass(error)
                        ? $"The store of conversations (Redis) has not answered for {_patience.TotalSeconds:0.#} s."
                        : $"The store of conversations (Redis) refuses: {error.Message}.",
                    error);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    private static async Task<bool> IsListeningAsync(string address)
    {
        foreach (var endPoint in Options(address).EndPoints)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(endPoint).WaitAsync(TimeSpan.FromMilliseconds(AttemptMilliseconds)).ConfigureAwait(false);
                return true;
            }
            catch (Exception error) when (error is SocketException or TimeoutException)
            {
                // Perhaps another of them.
            }
        }

        return false;
    }

    /// <summary>
    /// No connection, no answer in time, or a server that is still reading its files. A call that nobody has cancelled ends as if it were
    /// when the script that it runs could not be sent beforehand, and with the pipe's own error when its connection breaks while an answer
    /// is being read.
    /// </summary>
    private static bool MayPass(Exception error) =>
        error is RedisConnectionException or RedisTimeoutException or OperationCanceledException
            or InvalidOperationException { Source: "System.IO.Pipelines" }
        || (error is RedisServerException && error.Message.StartsWith("LOADING", StringComparison.Ordinal));
}
