namespace LlavaCluster.Core.Engine;

/// <summary>Brings a request to where an earlier run of its turn had come, before it is queued. Any thread, before others see the sequence.</summary>
internal static class EarlierAnswer
{
    /// <summary>
    /// Puts the tokens that the request brings behind the prompt and past the stop rule. Their text is not told: who has the tokens has
    /// it. The earlier run may have been cut off after its last token and before its end was known; then nothing is left to compute.
    /// </summary>
    /// <returns>True when the answer is whole: the sequence's events are complete, and it must not be queued.</returns>
    /// <exception cref="ArgumentException">The request has several answers: nothing says which of them the tokens are of.</exception>
    public static bool TakeUp(LiveRequest request)
    {
        var live = request.Sequences[0];
        var sequence = live.Sequence;
        if (request.Sequences.Count > 1 && sequence.Request.Answered.Count > 0)
        {
            throw new ArgumentException(
                $"A request for {request.Sequences.Count} answers brings {sequence.Request.Answered.Count} tokens of an earlier run; only one answer can go on.");
        }

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

        request.Publish(new GenerationEvent.Started(sequence.PromptLength, 0));
        request.Publish(new GenerationEvent.Finished(reason, live.Stop.Flush(), live.Timings()));
        request.CompleteOne();
        return true;
    }
}
