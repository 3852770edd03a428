using LlavaCluster.Model.Layers;
using static TorchSharp.torch;

namespace LlavaCluster.Model.KvCache;

/// <summary>One sequence's part of a step; see <see cref="SpanReach"/>.</summary>
/// <param name="Offset">Its first token among the step's tokens.</param>
/// <param name="Start">Position of that token.</param>
/// <param name="Length">Tokens.</param>
/// <param name="FirstKey">First position that any of them looks at.</param>
/// <param name="Blocks">[blocks], int64: those that cover positions from the one of <paramref name="FirstKey"/>.</param>
/// <param name="Mask">
/// [length, context − first key]: bool, true where a token may look, or numbers that are added to the scores; null: see <paramref name="Causal"/>.
/// </param>
/// <param name="Causal">Without a mask: token i looks at the keys up to the i-th; false: at all.</param>
internal sealed record SequenceSpan(int Offset, int Start, int Length, int FirstKey, Tensor Blocks, Tensor? Mask, bool Causal)
{
    /// <summary>Positions up to and with the last token.</summary>
    public int Context => Start + Length;

    /// <summary>Works out what a span's tokens may look at.</summary>
    /// <param name="offset">Its first token among the step's tokens.</param>
    /// <param name="reach">What they look at.</param>
    /// <param name="blocks">[reach.BlockCount], int64, on the device.</param>
    public static SequenceSpan Of(int offset, SpanReach reach, Tensor blocks)
    {
        // A single token looks at all that is left; from position 0 within the window the plain triangle does.
        var triangle = reach.Start == 0 && !(reach.Context > reach.Window);
        var mask = reach.Length == 1 || triangle ? null : MaskOf(reach, blocks.device);
        return new SequenceSpan(offset, reach.Start, reach.Length, reach.FirstKey, blocks, mask, triangle && reach.Length > 1);
    }

    private static Tensor MaskOf(SpanReach reach, Device device)
    {
        using var scope = NewDisposeScope();
        var query = HeldScalars.Range(reach.Start, reach.Context, device).unsqueeze(1); // [length, 1]
        var key = HeldScalars.Range(reach.FirstKey, reach.Context, device).unsqueeze(0); // [1, context − first key]
        var allowed = key.le(query);
        if (reach.Window is { } window)
        {
            allowed = allowed.logical_and(key.gt(query.Plus(-window)));
        }

        return allowed.MoveToOuterDisposeScope();
    }
}
