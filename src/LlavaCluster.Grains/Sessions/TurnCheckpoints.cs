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
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private int _written = written;

    /// <summary>Tokens that the log has.</summary>
    public int Written => _written;

    /// <summary>Begins.</summary>
    public void Start() => _loop = RunAsync();

    /// <summary>Ends; nothing is under way afterwards.</summary>
    /// <exception cref="TurnLogFencedException">Another activation of the session wrote.</exception>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
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
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await turn.Buffer.UntilAsync(_written + 1, _stop.Token);
                await GroupAsync();
                await WriteAsync();
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
            }
            catch (StoreUnavailableException error)
            {
                failed(error);
                await PauseAsync();
            }
            catch (TurnLogFencedException)
            {
                await turn.Cancel.CancelAsync();
                throw;
            }
        }
    }

    /// <summary>Waits until a group is full or old.</summary>
    private async Task GroupAsync()
    {
        using var late = new CancellationTokenSource(TimeSpan.FromMilliseconds(options.CheckpointMilliseconds), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stop.Token);
        try
        {
            await turn.Buffer.UntilAsync(_written + options.CheckpointTokens, either.Token);
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
        }
    }

    private async Task PauseAsync()
    {
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(options.CheckpointMilliseconds), time, _stop.Token);
        }
        catch (OperationCanceledException)
        {
        }
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
