namespace LlavaCluster.Core.Prompting;

/// <summary>Ids of a conversation, or of what a new turn appends to one.</summary>
/// <param name="Text">The rendered text, one <c>&lt;image&gt;</c> per picture.</param>
/// <param name="TokenIds">Ids, each picture expanded to its run of placeholder ids.</param>
/// <param name="Images">Start and length of each picture's run, in order; offsets count from the first of these ids.</param>
public sealed record Prompt(string Text, IReadOnlyList<int> TokenIds, IReadOnlyList<ImageRun> Images);

/// <summary>The run of placeholder ids of one picture.</summary>
/// <param name="Offset">Index of the first.</param>
/// <param name="Length">How many.</param>
public readonly record struct ImageRun(int Offset, int Length);
