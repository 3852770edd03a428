using LlavaCluster.Protos;

namespace LlavaCluster.Client.Terminal;

/// <summary>Writes a conversation for a person to read.</summary>
internal static class TranscriptPrinter
{
    /// <summary>Writes all turns, oldest first.</summary>
    public static void Print(Session session, TextWriter output)
    {
        output.WriteLine($"session {session.SessionId}, {session.Turns.Count} turns, {session.Tokens} tokens");
        if (session.System.Length > 0)
        {
            output.WriteLine($"system: {session.System}");
        }

        foreach (var turn in session.Turns)
        {
            output.WriteLine();
            output.WriteLine($"turn {turn.TurnId}");
            foreach (var part in turn.Parts)
            {
                output.WriteLine(
                    part.PartCase == Part.PartOneofCase.Text ? $"user: {part.Text}" : $"user: [image {part.ImageSha256}]");
            }

            output.WriteLine($"assistant: {turn.Answer}{Ending(turn)}");
        }
    }

    private static string Ending(Turn turn) => turn.Reason switch
    {
        FinishReason.Unspecified => " … (still answering)",
        FinishReason.Length => " … (cut: token limit)",
        FinishReason.Cancelled => " … (cancelled)",
        FinishReason.Failed => " … (failed)",
        _ => "",
    };
}
