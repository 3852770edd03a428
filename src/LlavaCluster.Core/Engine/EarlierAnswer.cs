namespace LlavaCluster.Core.Engine;

/// <summary>Brings a sequence to where an earlier run of its turn had come, before it is queued. Any thread, before others see the sequence.</summary>
internal static class EarlierAnswer
{
    /// <summary>
    /// Puts the tokens that the request brings behind the prompt and past the stop rule. Their text is not told: who has the tokens has
    /// it. The earlier run may have been cut off after its last token and before its end was known; then nothing is left to compute.
    /// </summary>
    /// <returns>True when the answer is whole: the sequence's events are complete, and it must not be queued.</returns>
    public static bool TakeUp(LiveSequence live)
    {
        var sequence = live.Sequence;
        FinishReason? end = null;
        foreach (var id in sequence.Request.Answered)
        {
            sequence.Append(id);
            if (live.Stop.Push(id).Outcome != StopOutcome.GoesOn)
            {
                end = FinishReason.Stop;
                break;
            }
        }

        end ??= sequence.Generated >= sequence.MaxTokens ? FinishReason.Length : null;
        if (end is not { } reason)
        {
            return false;
        }

        live.Publish(new GenerationEvent.Started(sequence.PromptLength, 0));
        live.Publish(new GenerationEvent.Finished(reason, live.Stop.Flush(), live.Timings()));
        live.Complete(null);
        return true;
    }
}
