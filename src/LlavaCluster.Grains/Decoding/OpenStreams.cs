using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;

namespace LlavaCluster.Grains.Decoding;

/// <summary>
/// The sequences that this silo's shard streams to sessions. While the silo drains none is added and those there may end; what has not
/// ended in time is handed over: its stream ends with a word by which its session goes on at another replica. Any thread.
/// </summary>
internal sealed class OpenStreams(SiloRole role, ISiloState state)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _handOver = new();
    private int _count;

    /// <summary>Streams that are open.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Cancelled when those that are open must go on elsewhere.</summary>
    public CancellationToken HandedOver => _handOver.Token;

    /// <summary>Counts a stream until the result is disposed.</summary>
    /// <exception cref="TurnRefusedException">Unavailable: the silo drains.</exception>
    public IDisposable Open()
    {
        // Where the edge is in the same process it refuses new turns itself; what it has let in is finished.
        if (_handOver.IsCancellationRequested || (state.IsDraining && !role.Roles.HasFlag(SiloRoles.Gateway)))
        {
            throw Leaving();
        }

        Interlocked.Increment(ref _count);
        return new Place(this);
    }

    /// <summary>Ends all streams, so that their sessions take them elsewhere.</summary>
    public Task HandOverAsync() => _handOver.CancelAsync();

    /// <summary>What a stream that is handed over ends with.</summary>
    public TurnRefusedException Leaving() => new(
        RefusalCode.Unavailable, $"Replica {role.Replica} is leaving and takes no turns. Ask again: another one answers.", RetryAfter);

    private sealed class Place(OpenStreams streams) : IDisposable
    {
        private OpenStreams? _streams = streams;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _streams, null) is { } open)
            {
                Interlocked.Decrement(ref open._count);
            }
        }
    }
}
