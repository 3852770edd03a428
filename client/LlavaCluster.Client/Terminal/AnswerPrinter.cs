using LlavaCluster.Protos;

namespace LlavaCluster.Client.Terminal;

/// <summary>Writes an answer as it comes.</summary>
internal static class AnswerPrinter
{
    /// <summary>
    /// Writes every text at once, and a line's end behind the last; nothing when the turn was refused.
    /// </summary>
    /// <param name="events">The turn's events.</param>
    /// <param name="output">Where to.</param>
    /// <param name="onStarted">Called with the first event.</param>
    /// <returns>How the turn ended.</returns>
    public static async Task<TurnFinished> PrintAsync(
        IAsyncEnumerable<ChatEvent> events, TextWriter output, Action<TurnStarted>? onStarted = null)
    {
        var finished = new TurnFinished { Reason = FinishReason.Failed };
        var began = false;
        try
        {
            await foreach (var happened in events)
            {
                switch (happened.EventCase)
                {
                    case ChatEvent.EventOneofCase.Started:
                        began = true;
                        onStarted?.Invoke(happened.Started);
                        break;
                    case ChatEvent.EventOneofCase.Delta:
                        await output.WriteAsync(happened.Delta.Text);
                        await output.FlushAsync();
                        break;
                    case ChatEvent.EventOneofCase.Finished:
                        finished = happened.Finished;
                        break;
                }
            }
        }
        finally
        {
            if (began)
            {
                await output.WriteLineAsync();
                await output.FlushAsync();
            }
        }

        return finished;
    }
}
