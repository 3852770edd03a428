using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>How a session runs its turns, one after the other.</summary>
internal sealed partial class SessionGrain
{
    /// <summary>A turn from its place in the queue to its end. Never throws: what went wrong is told to those who listen.</summary>
    private async Task RunAsync(LiveTurn turn)
    {
        // The turn before may be over at once; the first listener must be counted first.
        await Task.Yield();
        var tell = await OutcomeAsync(turn);
        // No longer live before anybody hears of the end: who then sends the next turn does not find this one running.
        _live.Remove(turn);
        tell(turn.Buffer);
    }

    /// <summary>Runs a turn; gives what is to be told at its end.</summary>
    private async Task<Action<TurnBuffer>> OutcomeAsync(LiveTurn turn)
    {
        try
        {
            await turn.Before.WaitAsync(turn.Cancel.Token);
            turn.IsRunning = true;
            var end = await AnswerAsync(turn);
            return end.Error is { } error ? buffer => buffer.Fail(error) : buffer => buffer.Finish(end.Tail, end.Finished);
        }
        catch (OperationCanceledException) when (turn.Cancel.IsCancellationRequested)
        {
            // Before it was accepted: as if it had never come.
            return _leaving
                ? buffer => buffer.Fail(Leaving())
                : buffer => buffer.Finish("", new TurnFinishedMessage(FinishReason.Cancelled, 0, 0, 0, TimingsMessage.None));
        }
        catch (TurnRefusedException refused)
        {
            OnRefused(turn.TurnId, refused);
            return buffer => buffer.Fail(refused);
        }
        catch (TurnLogFencedException fenced)
        {
            // Another activation of this session wrote: it is the one that counts.
            LogFenced(Id, fenced);
            DeactivateOnIdle();
            return buffer => buffer.Fail(Leaving());
        }
        catch (Exception error)
        {
            LogLost(Id, turn.TurnId, error);
            return buffer => buffer.Fail(new TurnRefusedException(
                RefusalCode.Unavailable,
                "The turn cannot go on since a part of the cluster is missing. Ask again with the same turn id: it goes on.",
                TimeSpan.FromSeconds(1)));
        }
    }

    /// <summary>Takes a turn through admission, routing, replica and log.</summary>
    private async Task<TurnEnd> AnswerAsync(LiveTurn turn)
    {
        var cancel = turn.Cancel.Token;
        var open = _conversation.Open;
        var isAgain = open is not null && open.Started.TurnId == turn.TurnId;
        if (open is not null && !isAgain)
        {
            // A turn whose run was cut off, and which nobody asked for again, makes place.
            await AppendAsync(new TurnEnded(open.Started.TurnId, [], "", FinishReason.Failed, _time.GetUtcNow()));
        }

        var started = isAgain
            ? open!.Started
            : await _admission.AdmitAsync(_conversation, turn.TurnId, turn.Content, DrawSeed(), _time.GetUtcNow(), cancel);
        var place = await _runner.RouteAsync(Id, _replica, _conversation, started, cancel);
        var sequence = _admission.Sequence(Id, _conversation, started, place.Encoders, turn.Request.Tenant);
        await using var run = await _runner.BeginAsync(Id, place.Replica, sequence, started, turn, cancel);
        _replica = place.Replica;
        if (!isAgain)
        {
            await AppendAsync(started);
        }

        LogAccepted(Id, turn.TurnId, sequence.TokenIds.Count, place.Replica);
        var end = await run.PumpAsync(cancel, () => _leaving);
        await AppendAsync(new TurnEnded(
            turn.TurnId,
            [.. turn.Buffer.Tokens.Select(token => token.ToToken())],
            turn.Buffer.Text + end.Tail,
            end.Finished.Reason,
            _time.GetUtcNow(),
            turn.Buffer.TextLengths));
        _instruments.OnFinished(end.Finished.Reason, end.Finished.CompletionTokens, end.Finished.Timings);
        LogEnded(Id, turn.TurnId, end.Finished.Reason, end.Finished.CompletionTokens);
        return end;
    }

    private async Task AppendAsync(TurnLogEntry entry)
    {
        // Not cancellable: an append that may or may not have happened would fence us out of our own log.
        await _log.AppendAsync(Id, _conversation.LogLength, entry, CancellationToken.None);
        _conversation.Apply(entry);
    }

    /// <summary>A seed for a turn that names none; it is told, and kept in the log.</summary>
    private static ulong DrawSeed() => BitConverter.ToUInt64(Guid.NewGuid().ToByteArray());
}
