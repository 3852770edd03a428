using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Sessions;

namespace LlavaCluster.Grains.Decoding;

/// <summary>
/// The sequences that this silo's shard streams to sessions. While the silo drains none is added and those there may end; what has not
/// ended in time is handed over: its stream ends with a word by which its session goes on at another replica. Any thread.
/// </summary>
internal sealed class OpenStreams(SiloRole role, ISiloState state, LastServed served)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly HashSet<OpenStream> _open = [];
    private readonly CancellationTokenSource _handOver = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isHandedOver;

    /// <summary>Streams that are open.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>Cancelled when those that are open must go on elsewhere.</summary>
    public CancellationToken HandedOver => _handOver.Token;

    /// <summary>Completes when all were handed over and have ended.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Counts a stream until the result is disposed.</summary>
    /// <exception cref="TurnRefusedException">Unavailable: the silo drains.</exception>
    public OpenStream Open(SequenceMessage sequence)
    {
        lock (_gate)
        {
            // Where the edge is in the same process it refuses new turns itself; what it has let in is finished.
            if (_isHandedOver || (state.IsDraining && !role.Roles.HasFlag(SiloRoles.Gateway)))
            {
                throw Leaving();
            }

            var stream = new OpenStream(sequence, End);
            _open.Add(stream);
            served.Remove(sequence.Session);
            return stream;
        }
    }

    /// <summary>Ends all streams, so that their sessions take them elsewhere.</summary>
    /// <returns>What those that were open have computed.</returns>
    public async Task<IReadOnlyList<ServedSession>> HandOverAsync()
    {
        ServedSession[] open;
        lock (_gate)
        {
            _isHandedOver = true;
            open = [.. _open.Select(stream => stream.Served)];
            TellIfEnded();
        }

        await _handOver.CancelAsync().ConfigureAwait(false);
        return open;
    }

    /// <summary>What a stream that is handed over ends with.</summary>
    public TurnRefusedException Leaving() => new(
        RefusalCode.Unavailable, $"Replica {role.Replica} is leaving and takes no turns. Ask again: another one answers.", RetryAfter);

    private void End(OpenStream stream)
    {
        lock (_gate)
        {
            if (_open.Remove(stream) && !_isHandedOver)
            {
                served.Note(stream.Served);
            }

            TellIfEnded();
        }
    }

    private void TellIfEnded()
    {
        if (_isHandedOver && _open.Count == 0)
        {
            _ended.TrySetResult();
        }
    }
}

/// <summary>A sequence that is streamed to its session.</summary>
/// <param name="sequence">The sequence.</param>
/// <param name="end">Called when the stream has ended; perhaps more than once.</param>
internal sealed class OpenStream(SequenceMessage sequence, Action<OpenStream> end) : IDisposable
{
    /// <summary>Tokens of the sequence, those of its answer too; 0: the engine has not taken it.</summary>
    public int Tokens { get; set; }

    /// <summary>What the replica has computed with it.</summary>
    public ServedSession Served => new(sequence.Session, sequence.Tenant, Tokens / TurnAdmission.BlockTokens);

    /// <summary>The stream has ended.</summary>
    public void Dispose() => end(this);
}
