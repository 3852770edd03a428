using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>How often a runner that is not exact chooses the reference's next token, given the reference's own tokens so far.</summary>
/// <param name="Same">Tokens as the reference's.</param>
/// <param name="All">Tokens asked for.</param>
internal readonly record struct NextTokens(int Same, int All)
{
    public double Share => Same / (double)All;

    /// <summary>Over a few cases of a checkpoint: text alone, pictures of odd sizes, a system message.</summary>
    public static NextTokens Of(ModelRunner runner, GoldenModel model)
    {
        int same = 0, all = 0;
        foreach (var name in new[] { "text-only", "strip", "tiny", "system" })
        {
            var golden = model.Case(name);
            var sequence = new PlannedSequence(model, golden, GreedyLoop.Blocks(golden, runner.Capacity.BlockCount));
            GreedyLoop.Load(runner, model, golden);
            foreach (var expected in golden.Tokens)
            {
                var token = runner.Run(new StepPlan(0, all++, [sequence.Next(4096)])).Tokens.Single();
                same += token.Id == expected ? 1 : 0;
                sequence.Take(token with { Id = expected });
            }
        }

        return new NextTokens(same, all);
    }

    public override string ToString() => $"{Same} of {All} tokens as the reference's";
}
