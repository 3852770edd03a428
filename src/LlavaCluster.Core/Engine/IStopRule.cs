namespace LlavaCluster.Core.Engine;

/// <summary>Decides, token by token, where one answer ends and which text may be sent. Engine thread only.</summary>
public interface IStopRule
{
    /// <summary>Takes the next token.</summary>
    StopVerdict Push(int id);

    /// <summary>Text that was held back and belongs to the answer, when it ends for another reason than a stop text.</summary>
    string Flush();
}

/// <summary>What a stop rule says of a token.</summary>
/// <param name="Text">Text that may be sent now: whole characters, and nothing that may become a stop text.</param>
/// <param name="Outcome">Whether the answer goes on.</param>
public readonly record struct StopVerdict(string Text, StopOutcome Outcome);

/// <summary>Whether an answer goes on after a token.</summary>
public enum StopOutcome
{
    /// <summary>It goes on.</summary>
    GoesOn,

    /// <summary>The token is an end-of-sequence id; it is no part of the answer.</summary>
    EndOfSequence,

    /// <summary>A stop text is complete; the token is part of the answer, the stop text is not.</summary>
    StopText,
}
