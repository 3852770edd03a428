namespace LlavaCluster.Core.Scheduling;

/// <summary>What a scheduler must keep to.</summary>
/// <param name="StepTokens">Most tokens of a step; at least <paramref name="MaxRunning"/>.</param>
/// <param name="MaxRunning">Most sequences that are computed at once.</param>
/// <param name="BlockTokens">Positions of a block.</param>
/// <param name="MaxPositions">Longest sequence that the model takes, tokens.</param>
public sealed record SchedulerLimits(int StepTokens, int MaxRunning, int BlockTokens, int MaxPositions)
{
    /// <summary>Longest sequence that model and blocks take, tokens.</summary>
    public int LongestSequence(int blocks) => (int)Math.Min(MaxPositions, (long)blocks * BlockTokens);
}
