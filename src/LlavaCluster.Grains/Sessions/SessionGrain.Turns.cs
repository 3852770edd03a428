using System.Buffers.Binary;
using System.Security.Cryptography;
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
            await LoadAsync();
            if (_conversation.Find(turn.TurnId) is { Ended: not null } over && over != _conversation.Abandoned)
            {
                // It ended while this one waited.
                return buffer => SessionView.Replay(buffer, Id, _conversation, over, _replica);
            }

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
            await ReleaseUnusedAsync(turn);
            OnRefused(turn.TurnId, refused);
            return buffer => buffer.Fail(refused);
        }
        catch (TurnLogFencedException fenced)
        {
            LeaveFenced(fenced);
            return buffer => buffer.Fail(Leaving());
        }
        catch (StoreUnavailableException unavailable)
        {
            LogUnavailable(Id, unavailable);
            _loaded = null; // what was being written may be there or not
            return buffer => buffer.Fail(NotWritten(unavailable));
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

    /// <summary>Takes a turn through admission, replica and log.</summary>
    private async Task<TurnEnd> AnswerAsync(LiveTurn turn)
    {
        var cancel = turn.Cancel.Token;
        var isAgain = await IsAgainAsync(turn);
        using var admitted = turn.Admitted = _gate.Enter(turn.Request.Tenant, mustRun: isAgain);
        var started = isAgain
            ? _conversation.Open!.Started
            : await _admission.AdmitAsync(Id, _conversation, turn.TurnId, turn.Content, SeedOf(turn.TurnId), _time.GetUtcNow(), cancel);
        _admission.Weigh(_conversation, started, turn.Admitted);
        var (end, written) = await GenerateAsync(turn, started, isAgain);
        var (tokens, text, lengths) = turn.Buffer.From(written);
        await AppendAsync(new TurnEnded(
            turn.TurnId,
            tokens,
            text + end.Tail,
            end.Finished.Reason,
            _time.GetUtcNow(),
            lengths,
            turn.IsAbandoned && end.Finished.Reason == FinishReason.Cancelled));
        _instruments.OnFinished(end.Finished.Reason, end.Finished.CompletionTokens, end.Finished.Timings);
        LogEnded(Id, turn.TurnId, end.Finished.Reason, end.Finished.CompletionTokens);
        return end;
    }

    /// <summary>
    /// Has a replica generate the answer; when one is lost, another, or the same one formed anew, goes on behind the last token that was
    /// told, and who listens notices a pause.
    /// </summary>
    /// <returns>The end, and how many tokens the log has.</returns>
    private async Task<(TurnEnd End, int Written)> GenerateAsync(LiveTurn turn, TurnStarted started, bool isLogged)
    {
        var patience = new ReplicaPatience(_options, _time);
        _tenant = turn.Request.Tenant;
        string? lost = null;
        var isKept = true;
        while (true)
        {
            var told = turn.Buffer.Tokens.Count;
            try
            {
                var place = await _runner.RouteAsync(Id, _replica, lost, _conversation, started, turn.Cancel.Token);
                lost = place.Replica;
                var kvAt = isKept ? KvFor(place) : "";
                var sequence = _admission.Sequence(Id, _conversation, started, place.Encoders, turn.Request.Tenant) with { KvAt = kvAt };
                await using var run = await _runner.BeginAsync(Id, place, sequence, started, turn, turn.Cancel.Token);
                patience.Accepted();
                _replica = place.Replica;
                if (!isLogged)
                {
                    await AppendAsync(started with { Replica = place.Replica });
                    isLogged = true;
                }

                LogAccepted(Id, turn.TurnId, sequence.TokenIds.Count, sequence.Answered.Count, place.Replica);
                return await PumpAsync(turn, run, sequence.Answered.Count);
            }
            catch (Exception error) when (ReplicaPatience.IsLoss(error) && CanGoOn(turn) && patience.HasMore(turn.Buffer.Tokens.Count > told))
            {
                // One that says that it cannot go on has the KV still; one that is gone has not.
                isKept = error is TurnRefusedException;
                if (patience.Attempts == 1)
                {
                    LogWaits(Id, turn.TurnId, turn.Buffer.Tokens.Count, error.Message);
                }

                await Task.Delay(patience.Pause, _time, turn.Cancel.Token);
            }
        }
    }

    /// <summary>The replica that has the conversation's KV, where another one is to go on.</summary>
    private string KvFor(RouteMessage place) => _replica is { } known && known != place.Replica ? known : "";

    /// <summary>What was told is in the log, which is what the next replica is asked by.</summary>
    private bool CanGoOn(LiveTurn turn) =>
        !_leaving && !_deleting && (_conversation.Open?.Tokens.Count ?? 0) == turn.Buffer.Tokens.Count;

    /// <summary>Whether the turn goes on from the log. A turn that was cut off, and which nobody asked for again, makes place for another.</summary>
    private async Task<bool> IsAgainAsync(LiveTurn turn)
    {
        if (_conversation.Abandoned is { } abandoned && abandoned.Started.TurnId == turn.TurnId)
        {
            await AppendAsync(new TurnResumed(turn.TurnId, _time.GetUtcNow()));
        }

        if (_conversation.Open is not { } open)
        {
            return false;
        }

        if (open.Started.TurnId == turn.TurnId)
        {
            turn.Buffer.Restore(open);
            return true;
        }

        // What was generated was perhaps seen: it stays.
        var tail = HeldBackText.Of(_tokenizer, open.Tokens.Select(token => token.Id), open.Text);
        await AppendAsync(new TurnEnded(
            open.Started.TurnId, [], tail, open.Tokens.Count > 0 ? FinishReason.Cancelled : FinishReason.Failed, _time.GetUtcNow()));
        return false;
    }

    /// <summary>Brings the tokens to those who listen and, in groups, to the log, until the end.</summary>
    /// <returns>The end, and how many tokens the log has.</returns>
    private async Task<(TurnEnd End, int Written)> PumpAsync(LiveTurn turn, TurnRun run, int written)
    {
        var checkpoints = new TurnCheckpoints(turn, written, _options, AppendAsync, error => LogUnavailable(Id, error), _time);
        checkpoints.Start();
        TurnEnd end;
        try
        {
            end = await run.PumpAsync(turn.Cancel.Token, () => _leaving);
        }
        catch
        {
            await checkpoints.WriteRestAsync();
            throw;
        }

        await checkpoints.StopAsync();
        return (end, checkpoints.Written);
    }

    /// <summary>Another activation of this session wrote: it is the one that counts.</summary>
    private void LeaveFenced(TurnLogFencedException fenced)
    {
        LogFenced(Id, fenced);
        _pulse.Doubt();
        DeactivateOnIdle();
    }

    private async Task AppendAsync(TurnLogEntry entry)
    {
        await _pulse.ProveAsync();
        // Not cancellable: an append that may or may not have happened would fence us out of our own log.
        await _log.AppendAsync(Id, _conversation.LogLength, entry, CancellationToken.None);
        _conversation.Apply(entry);
    }

    /// <summary>
    /// A seed for a turn that names none: it follows from the ids, which nobody guesses, so that a turn whose beginning was lost with its
    /// log draws the same tokens when it is asked for again.
    /// </summary>
    private ulong SeedOf(string turnId) =>
        BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{Id}\n{turnId}")));

    private static TurnRefusedException NotWritten(StoreUnavailableException error) => new(
        RefusalCode.Unavailable, $"{error.Message} Ask again with the same turn id: it goes on.", TimeSpan.FromSeconds(1));
}
