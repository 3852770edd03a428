using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Engine;

/// <summary>One step: planned, run by all ranks, its tokens taken.</summary>
internal sealed partial class DecodeWorker
{
    private void RunStep(IReadOnlyList<(Sequence Sequence, int Count)> parts, bool again = false)
    {
        var plan = _scheduler.Compose(_options.Epoch, _step++, parts, again);
        var began = _time.GetTimestamp();
        var (tokens, prefill, asked) = (0, 0, 0);
        for (var i = 0; i < parts.Count; i++)
        {
            _live[parts[i].Sequence.Number].NoteStep(began);
            tokens += parts[i].Count;
            prefill += parts[i].Count > 1 ? parts[i].Count : 0;
            asked += plan.Slices[i].Sample is null ? 0 : 1;
            _imagesChanged |= plan.Slices[i].Images.Count > 0;
        }

        StepOutput output;
        try
        {
            if (_link.Followers > 0)
            {
                _link.Send(new ShardMessage.Run(plan));
            }

            output = _runner.Run(plan);
            if (output.Tokens.Count != asked)
            {
                throw new InvalidOperationException($"The runner gave {output.Tokens.Count} tokens; the plan asked for {asked}.");
            }
        }
        catch (Exception error)
        {
            StepFailed(parts, error);
            return;
        }

        (_failures, _unhealthy) = (0, false);
        var ended = _time.GetTimestamp();
        _observer.StepDone(tokens, asked, _time.GetElapsedTime(began, ended));
        _tiers?.NotePrefill(prefill, _time.GetElapsedTime(began, ended));
        _arrivals?.NotePrefill(prefill, _time.GetElapsedTime(began, ended));
        var next = 0;
        for (var i = 0; i < parts.Count; i++)
        {
            var (sequence, count) = parts[i];
            var samples = plan.Slices[i].Sample is not null;
            _scheduler.Commit(sequence, count);
            if (samples)
            {
                var live = _live[sequence.Number];
                live.NoteToken(ended);
                if (live.Request.IsUnforked)
                {
                    Fork(live);
                }

                TakeSafely(live, output.Tokens[next++]);
            }
        }

        ForgetImages();
    }

    /// <summary>
    /// One sequence may have spoilt the step for all: each is run alone, so that the others live. With followers that cannot be done,
    /// since nobody knows how far each of them came: the loop ends, and its sequences can go on elsewhere, as all of it is refused.
    /// </summary>
    private void StepFailed(IReadOnlyList<(Sequence Sequence, int Count)> parts, Exception error)
    {
        _observer.StepFailed([.. NamesOf(parts)], error);
        if (_link.Followers > 0)
        {
            _broken = true;
            return;
        }

        if (parts.Count > 1)
        {
            // With each its copies of blocks: nobody knows which were made, and until a sequence is computed they can be made again.
            foreach (var part in parts.ToArray())
            {
                RunStep([part], again: true);
            }

            return;
        }

        _unhealthy = ++_failures >= _options.UnhealthyAfter;
        foreach (var (sequence, _) in parts.ToArray())
        {
            Finish(_live[sequence.Number], FinishReason.Failed, "");
        }
    }

    /// <summary>The prompt of a request is computed: its other answers begin with it.</summary>
    private void Fork(LiveSequence parent)
    {
        parent.Request.IsUnforked = false;
        foreach (var child in parent.Request.Sequences.Skip(1))
        {
            child.NoteFork(parent);
            _scheduler.Fork(parent.Sequence, child.Sequence);
            if (child.Sequence.Started)
            {
                Begin(child.Sequence);
            }
        }
    }

    /// <summary>A stop rule that fails takes only its own sequence with it.</summary>
    private void TakeSafely(LiveSequence live, SampledToken token)
    {
        try
        {
            Take(live, token);
        }
        catch (Exception error)
        {
            _observer.StepFailed([live.Name], error);
            Finish(live, FinishReason.Failed, "");
        }
    }

    private void Take(LiveSequence live, SampledToken token)
    {
        var sequence = live.Sequence;
        var verdict = live.Stop.Push(token.Id);
        if (verdict.Outcome == StopOutcome.EndOfSequence)
        {
            Finish(live, FinishReason.Stop, verdict.Text + live.Stop.Flush(), token);
            return;
        }

        live.Request.Publish(sequence.Choice, sequence.Generated, token, verdict.Text);
        sequence.Append(token.Id);
        if (verdict.Outcome == StopOutcome.StopText)
        {
            Finish(live, FinishReason.Stop, "");
        }
        else if (sequence.Generated >= sequence.MaxTokens)
        {
            Finish(live, FinishReason.Length, live.Stop.Flush());
        }
        else if (live.Request.Unread is var unread && unread > _options.AbandonedAfter)
        {
            _observer.SequenceAbandoned(live.Name, unread);
            Finish(live, FinishReason.Cancelled, live.Stop.Flush());
        }
    }

    private IEnumerable<string> NamesOf(IReadOnlyList<(Sequence Sequence, int Count)> parts) =>
        parts.Select(part => _live[part.Sequence.Number].Name);
}
