using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Engine;

/// <summary>One step: planned, run by all ranks, its tokens taken.</summary>
internal sealed partial class DecodeWorker
{
    private void RunStep(IReadOnlyList<(Sequence Sequence, int Count)> parts)
    {
        var plan = _scheduler.Compose(_options.Epoch, _step++, parts);
        foreach (var (sequence, _) in parts)
        {
            _live[sequence.Number].NoteStep();
        }

        var began = _time.GetTimestamp();
        StepOutput output;
        try
        {
            _link.Send(new ShardMessage.Run(plan));
            output = _runner.Run(plan);
            var asked = plan.Slices.Count(slice => slice.Sample is not null);
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
        _observer.StepDone(parts.Sum(part => part.Count), output.Tokens.Count, _time.GetElapsedTime(began));
        var next = 0;
        for (var i = 0; i < parts.Count; i++)
        {
            var (sequence, count) = parts[i];
            _scheduler.Commit(sequence, count);
            if (plan.Slices[i].Sample is not null)
            {
                TakeSafely(_live[sequence.Number], output.Tokens[next++]);
            }
        }

        ForgetImages();
    }

    /// <summary>
    /// One sequence may have spoilt the step for all: each is run alone, so that the others live. With followers that cannot be done,
    /// since nobody knows how far each of them came.
    /// </summary>
    private void StepFailed(IReadOnlyList<(Sequence Sequence, int Count)> parts, Exception error)
    {
        _observer.StepFailed([.. parts.Select(part => _live[part.Sequence.Number].Name)], error);
        if (_link.Followers > 0)
        {
            _broken = true;
        }
        else if (parts.Count > 1)
        {
            foreach (var part in parts)
            {
                RunStep([part]);
            }

            return;
        }

        _unhealthy = ++_failures >= _options.UnhealthyAfter;
        foreach (var (sequence, _) in parts)
        {
            Finish(_live[sequence.Number], FinishReason.Failed, "");
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
        live.NoteToken();
        var verdict = live.Stop.Push(token.Id);
        if (verdict.Outcome == StopOutcome.EndOfSequence)
        {
            Finish(live, FinishReason.Stop, verdict.Text + live.Stop.Flush(), token);
            return;
        }

        live.Publish(new GenerationEvent.Generated(sequence.Generated, [token], verdict.Text));
        sequence.Append(token.Id);
        if (verdict.Outcome == StopOutcome.StopText)
        {
            Finish(live, FinishReason.Stop, "");
        }
        else if (sequence.Generated >= sequence.MaxTokens)
        {
            Finish(live, FinishReason.Length, live.Stop.Flush());
        }
        else if (live.Unread is var unread && unread > _options.AbandonedAfter)
        {
            _observer.SequenceAbandoned(live.Name, unread);
            Finish(live, FinishReason.Cancelled, live.Stop.Flush());
        }
    }
}
