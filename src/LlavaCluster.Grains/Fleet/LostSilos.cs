using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LlavaCluster.Grains.Fleet;

/// <summary>
/// Declares silos dead whose process is gone. Orleans' own probes take three seconds for that, since they cannot tell a lost process from
/// one that is late; meanwhile every look-up of a grain that the lost silo had its part in fails. A machine that says twice, a report
/// apart, that nobody listens at the port leaves no doubt. Silos that are merely silent, frozen or cut off, are left to the probes. Any thread.
/// </summary>
internal sealed partial class LostSilos(
    IClusterMembershipService membership, ISiloPort port, TimeProvider time, ILogger<LostSilos> logger)
{
    /// <summary>A silo that has not answered a report for so long is looked at.</summary>
    public static readonly TimeSpan SilentAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>Between two looks at a silo whose port is open: each costs it a connection.</summary>
    public static readonly TimeSpan Between = TimeSpan.FromMilliseconds(500);

    /// <summary>Refusals, one after the other, that leave no doubt.</summary>
    private const int Enough = 2;

    private readonly ConcurrentDictionary<SiloAddress, Look> _looks = [];

    /// <summary>It answered.</summary>
    public void Heard(SiloAddress silo) => _looks.TryRemove(silo, out _);

    /// <summary>It does not answer, or cannot be reached: its port is looked at, unless it was just now. Never throws.</summary>
    public async Task SilentAsync(SiloAddress silo, CancellationToken cancellationToken)
    {
        var look = _looks.GetOrAdd(silo, _ => new Look());
        if (!look.TryBegin(time))
        {
            return;
        }

        try
        {
            if (look.Note(await port.IsRefusingAsync(silo, cancellationToken).ConfigureAwait(false)) >= Enough
                && membership.CurrentSnapshot.Members.TryGetValue(silo, out var member) && member.Status == SiloStatus.Active)
            {
                LogLost(silo.Endpoint.ToString());
                await membership.TryKill(silo).ConfigureAwait(false);
                look.Close();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        catch (Exception error)
        {
            // The membership cannot be written now: the next look comes, and the probes go on.
            LogStays(silo.Endpoint.ToString(), error.Message);
        }
        finally
        {
            look.End(time);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The process of silo {Silo} is gone: nobody listens at its port. It is declared dead.")]
    private partial void LogLost(string silo);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The process of silo {Silo} is gone, and the membership does not take that now. {Why}")]
    private partial void LogStays(string silo, string why);

    /// <summary>What was seen of a silo's port.</summary>
    private sealed class Look
    {
        private readonly Lock _gate = new();
        private bool _isUnderWay;
        private bool _isClosed;
        private int _refusals;
        private long? _ended;

        /// <summary>One at a time; at once behind a refusal.</summary>
        public bool TryBegin(TimeProvider time)
        {
            lock (_gate)
            {
                if (_isUnderWay || _isClosed || (_refusals == 0 && _ended is { } ended && time.GetElapsedTime(ended) < Between))
                {
                    return false;
                }

                return _isUnderWay = true;
            }
        }

        /// <summary>Refusals one after the other, this one among them.</summary>
        public int Note(bool isRefusing)
        {
            lock (_gate)
            {
                return _refusals = isRefusing ? _refusals + 1 : 0;
            }
        }

        /// <summary>It is declared dead; the membership takes a moment to say so.</summary>
        public void Close()
        {
            lock (_gate)
            {
                _isClosed = true;
            }
        }

        public void End(TimeProvider time)
        {
            lock (_gate)
            {
                (_isUnderWay, _ended) = (false, time.GetTimestamp());
            }
        }
    }
}
