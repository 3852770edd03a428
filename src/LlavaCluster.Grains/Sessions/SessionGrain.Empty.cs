namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// How a session that has nothing leaves memory. Whoever sends turns that are refused, or asks for sessions that are not there, makes an
/// activation each time; idle ones are collected after minutes, which at a hundred a second is a gigabyte.
/// </summary>
internal sealed partial class SessionGrain
{
    private IGrainTimer? _emptiness;
    private int _readers;

    /// <summary>Looks from time to time, until there is a turn, whether this activation is still of use.</summary>
    private void WatchEmptiness()
    {
        _emptiness?.Dispose();
        var pause = TimeSpan.FromSeconds(_options.EmptySeconds);
        _emptiness = this.RegisterGrainTimer(LeaveIfEmpty, new GrainTimerCreationOptions(pause, pause) { Interleave = true });
    }

    private Task LeaveIfEmpty()
    {
        // While the log is read somebody waits for it, longer than this when its store is gone: their streams would break.
        if (_live.Count > 0 || _readers > 0 || _deleting || _loaded is { IsCompleted: false })
        {
            return Task.CompletedTask;
        }

        if (Exists)
        {
            _emptiness?.Dispose();
        }
        else
        {
            DeactivateOnIdle();
        }

        return Task.CompletedTask;
    }
}
