namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Decides whether a block is moved up or computed again: by what was measured of both. What was not measured yet is tried. A tier that
/// lost is tried again now and then, since a disk that was slow once need not stay so.
/// </summary>
/// <param name="blockBytes">Bytes of a block.</param>
/// <param name="blockTokens">Positions of a block.</param>
internal sealed class MoveRule(long blockBytes, int blockTokens)
{
    /// <summary>One of so many is moved although computing is faster.</summary>
    private const int TriedAgain = 32;

    private int _passed;

    /// <summary>Tokens of prompts that are computed in a second.</summary>
    public MeasuredRate Prefill { get; } = new();

    /// <summary>Whether blocks should be moved at this rate, in bytes.</summary>
    public bool IsWorth(MeasuredRate rate)
    {
        if (rate.PerSecond == 0 || Prefill.PerSecond == 0 || blockBytes / rate.PerSecond <= blockTokens / Prefill.PerSecond)
        {
            return true;
        }

        return ++_passed % TriedAgain == 0;
    }
}
