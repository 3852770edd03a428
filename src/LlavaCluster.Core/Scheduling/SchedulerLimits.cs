namespace LlavaCluster.Core.Scheduling;

/// <summary>What a scheduler must keep to.</summary>
/// <param name="StepTokens">Most tokens of a step; at least <paramref name="MaxRunning"/>.</param>
/// <param name="MaxRunning">Most sequences that are computed at once.</param>
/// <param name="BlockTokens">Positions of a block.</param>
/// <param name="MaxPositions">Longest sequence that the model takes, tokens.</param>
public sealed record SchedulerLimits(int StepTokens, int MaxRunning, int BlockTokens, int MaxPositions)
{
    /// <summary>
    /// Chunks of prompts end at positions that are multiples of this, or at the prompt's end: where a prompt may be cut does not
    /// depend on who else is there. Cut down to what a step has left beside decodes (whole blocks, where that is one at least), so
    /// that a prompt goes on in every step.
    /// </summary>
    public int ChunkTokens
    {
        get
        {
            var most = Math.Max(1, StepTokens - MaxRunning + 1);
            return field <= most ? Math.Max(1, field) : most < BlockTokens ? most : most - (most % BlockTokens);
        }

        init;
    } = 1;

    /// <summary>
    /// How many sequences may be taken up before one that came first but finds no blocks; then all wait for it. So short prompts
    /// are not stuck behind a long one, and the long one is not put off for ever.
    /// </summary>
    public int MaxOvertakes { get; init; } = 16;

    /// <summary>Longest sequence that model and blocks take, tokens.</summary>
    public int LongestSequence(int blocks) => (int)Math.Min(MaxPositions, (long)blocks * BlockTokens);

    /// <summary>Blocks that hold so many positions.</summary>
    internal int BlocksFor(int tokens) => (tokens + BlockTokens - 1) / BlockTokens;
}
