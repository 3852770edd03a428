using LlavaCluster.Core.Sessions;
using Microsoft.Extensions.Hosting;

namespace LlavaCluster.Grains.Fleet;

/// <summary>
/// Whether this silo may still speak for its sessions. A process that stood still, by a signal or with its whole machine, may have been
/// declared dead meanwhile, and its sessions have come up elsewhere; Orleans tells it so only when it next reads the membership, seconds
/// later. So whoever stood still for <see cref="Longest"/> reads the membership before its sessions read or write anything, each time, until
/// whatever the others had begun for its silence is over (<see cref="Probation"/>); a silo that is dead ends by that. Any thread.
/// </summary>
internal sealed class SiloPulse(IClusterMembershipService membership, ILocalSiloDetails local, TimeProvider time) : BackgroundService
{
    /// <summary>Less than it takes the others to declare a silent silo dead.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    /// <summary>So long after it moves again others may still declare it dead for its silence: their probes, their votes, their table.</summary>
    public static readonly TimeSpan Probation = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Every = Longest / 10;

    private readonly Lock _gate = new();
    private readonly PeriodicTimer _timer = new(Every, time);
    private long _beat = time.GetTimestamp();
    private long _probationEnd = long.MinValue;
    private volatile bool _isDoubted;
    private Task? _proof;
    private long _beats;

    /// <summary>Beats so far.</summary>
    public long Beats => Interlocked.Read(ref _beats);

    /// <summary>Something speaks for it that this silo is taken for dead: the membership is read next.</summary>
    public void Doubt() => _isDoubted = true;

    /// <summary>Completes, at once as a rule, when this silo is known to be a member.</summary>
    /// <exception cref="StoreUnavailableException">It is none any more, or that cannot be read now.</exception>
    public ValueTask ProveAsync() => LookAt(time.GetTimestamp()) ? ValueTask.CompletedTask : new ValueTask(ProofAsync());

    /// <inheritdoc/>
    public override void Dispose()
    {
        _timer.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await _timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                // The same moment for both: it may stand still in between.
                var now = time.GetTimestamp();
                if (LookAt(now))
                {
                    Interlocked.Exchange(ref _beat, now);
                }
                else
                {
                    // What fails is told to whoever asks; it is tried again with the next beat.
                    await ProofAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                Interlocked.Increment(ref _beats);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>Notes when it stood still; false when the membership must be read.</summary>
    private bool LookAt(long now)
    {
        if (time.GetElapsedTime(Interlocked.Read(ref _beat), now) >= Longest)
        {
            Interlocked.Exchange(ref _probationEnd, now + (long)(Probation.TotalSeconds * time.TimestampFrequency));
        }

        return !_isDoubted && now >= Interlocked.Read(ref _probationEnd);
    }

    /// <summary>One reading, whoever waits for it.</summary>
    private Task ProofAsync()
    {
        lock (_gate)
        {
            return _proof is { IsCompleted: false } ? _proof : _proof = ReadAsync();
        }
    }

    private async Task ReadAsync()
    {
        var began = time.GetTimestamp();
        _isDoubted = false;
        try
        {
            await membership.Refresh().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            _isDoubted = true;
            throw new StoreUnavailableException($"Whether silo {local.SiloAddress.Endpoint} is still a member of the cluster cannot be read now.", error);
        }

        if (membership.CurrentSnapshot.GetSiloStatus(local.SiloAddress) == SiloStatus.Dead)
        {
            _isDoubted = true;
            throw new StoreUnavailableException($"Silo {local.SiloAddress.Endpoint} stood still and was declared dead; its sessions live elsewhere.");
        }

        Interlocked.Exchange(ref _beat, began);
    }
}
