using LlavaCluster.Core.Sessions;

namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// Writes a running turn's tokens to its session's log, in groups, beside their way to the client: neither waits for the other. A group
/// that cannot be written is tried again with the next. Its session's thread only.
/// </summary>
/// <param name="turn">The turn.</param>
/// <param name="written">Tokens of it that the log has.</param>
/// <param name="options">How large and how old a group may become.</param>
/// <param name="append">Writes an entry.</param>
/// <param name="failed">Is told why a group could not be written.</param>
/// <param name="time">The clock.</param>
internal sealed class TurnCheckpoints(
    LiveTurn turn, int written, SessionOptions options, Func<TurnLogEntry, Task> append, Action<Exception> failed, TimeProvider time)
{
    private readonly TaskCompletionSource _stop = new();
    private Task _write = Task.CompletedTask;
    private int _written = written;

    /// <summary>Tokens that the log has.</summary>
    public int Written => _written;

    /// <summary>Begins.</summary>
    public void Start() => _ = RunAsync();

    /// <summary>Ends; nothing is under way afterwards.</summary>
    /// <exception cref="TurnLogFencedException">Another activation of the session wrote.</exception>
    public async Task StopAsync()
    {
        // Not an exception to those who wait for tokens: every turn ends so.
        _stop.TrySetResult();
        try
        {
            await _write;
        }
        catch (StoreUnavailableException)
        {
            // The loop tells of it.
        }
    }

    /// <summary>Writes what is left of a turn that does not end here. Who goes on has it, or generates it again.</summary>
    public async Task WriteRestAsync()
    {
        try
        {
            await StopAsync();
            await WriteAsync();
        }
        catch (Exception error) when (error is StoreUnavailableException or TurnLogFencedException)
        {
            failed(error);
        }
    }

    private async Task RunAsync()
    {
        while (true)
        {
            await turn.Buffer.UntilAsync(_written + 1, _stop.Task);
            await GroupAsync();
            if (_stop.Task.IsCompleted)
            {
                return;
            }

            _write = WriteAsync();
            try
            {
                await _write;
            }
            catch (StoreUnavailableException error)
            {
                failed(error);
                await PauseAsync();
            }
            catch (Exception)
            {
                // Whoever stops this is told.
                await turn.Cancel.CancelAsync();
                return;
            }
        }
    }

    /// <summary>Waits until a group is full or old.</summary>
    private async Task GroupAsync()
    {
        if (_stop.Task.IsCompleted)
        {
            return;
        }

        var late = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var timer = time.CreateTimer(
            _ => late.TrySetResult(), null, TimeSpan.FromMilliseconds(options.CheckpointMilliseconds), Timeout.InfiniteTimeSpan);
        await turn.Buffer.UntilAsync(_written + options.CheckpointTokens, Task.WhenAny(late.Task, _stop.Task));
    }

    private async Task PauseAsync()
    {
        using var over = new CancellationTokenSource();
        await Task.WhenAny(Task.Delay(TimeSpan.FromMilliseconds(options.CheckpointMilliseconds), time, over.Token), _stop.Task);
        await over.CancelAsync();
    }

    private async Task WriteAsync()
    {
        var (tokens, text, lengths) = turn.Buffer.From(_written);
        if (tokens.Count > 0)
        {
            await append(new TurnTokens(turn.TurnId, _written, tokens, text, lengths));
            _written += tokens.Count;
        }
    }
}
