using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Prompting;

/// <summary>What follows from one more token.</summary>
/// <param name="Text">Text that may be shown now; may be empty. With a reason it is all that was still held back.</param>
/// <param name="Reason">Why the answer ends with this token, or null while it goes on.</param>
public readonly record struct StopDecision(string Text, FinishReason? Reason);
