using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Collectives;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>Runs golden cases on a runner, or on the runners of all ranks, without engine and scheduler.</summary>
internal static class GreedyLoop
{
    /// <summary>One case on one runner, in prompt chunks of <paramref name="chunk"/> tokens.</summary>
    public static IReadOnlyList<SampledToken> Run(
        IModelRunner runner, GoldenModel model, GoldenCase golden, int chunk, SamplingOptions? options = null)
    {
        var sequence = new PlannedSequence(model, golden, Blocks(golden, runner.Capacity.BlockCount), options);
        Load(runner, model, golden);
        for (long step = 0; sequence.Answer.Count < golden.Tokens.Length; step++)
        {
            foreach (var token in runner.Run(new StepPlan(0, step, [sequence.Next(chunk)])).Tokens)
            {
                sequence.Take(token);
            }
        }

        Forget(runner, golden);
        return sequence.Answer;
    }

    /// <summary>Cases on the ranks of a replica, each a thread that makes and uses its own runner.</summary>
    /// <param name="model">The checkpoint.</param>
    /// <param name="cases">What to answer.</param>
    /// <param name="ends">The ranks' ends; their runners dispose them.</param>
    /// <param name="chunk">Most tokens of a prompt in one step.</param>
    /// <param name="kernels">Who computes.</param>
    /// <param name="form">How the weights are kept.</param>
    public static IReadOnlyList<IReadOnlyList<SampledToken>> RunRanks(
        GoldenModel model,
        IReadOnlyList<GoldenCase> cases,
        IReadOnlyList<ICollective> ends,
        int chunk,
        KernelChoice kernels = KernelChoice.Torch,
        WeightForm form = WeightForm.Full)
    {
        // The leader's plans, as they would cross the link: followers never see a token but in a later plan.
        using var link = new InProcessShardLink(ends.Count - 1);
        var followers = Enumerable.Range(1, ends.Count - 1)
            .Select(rank => new ShardFollower(rank, 0, () => model.Runner(ends[rank], kernels: kernels, form: form), link)).ToArray();
        var started = followers.Select(follower => follower.StartAsync()).ToArray();
        var answers = Lead(model, cases, ends[0], link, chunk, kernels, form);
        Task.WhenAll([.. started, .. followers.Select(follower => follower.Completion)]).GetAwaiter().GetResult();
        return answers;
    }

    /// <summary>Cases on rank 0, whose followers are behind a link; at the end they are told to stop.</summary>
    public static IReadOnlyList<IReadOnlyList<SampledToken>> Lead(
        GoldenModel model,
        IReadOnlyList<GoldenCase> cases,
        ICollective end,
        IShardLink link,
        int chunk,
        KernelChoice kernels = KernelChoice.Torch,
        WeightForm form = WeightForm.Full)
    {
        using var leader = new LeadingRunner(model.Runner(end, kernels: kernels, form: form), link);
        var answers = cases.Select(golden => Run(leader, model, golden, chunk)).ToArray();
        link.Send(new ShardMessage.Stop());
        return answers;
    }

    public static void Load(IModelRunner runner, GoldenModel model, GoldenCase golden)
    {
        foreach (var (file, _, _) in golden.Images)
        {
            runner.LoadImage(model.Features(file));
        }
    }

    public static void Forget(IModelRunner runner, GoldenCase golden)
    {
        foreach (var (file, _, _) in golden.Images)
        {
            runner.ForgetImage(GoldenModel.HashOf(file));
        }
    }

    /// <summary>Blocks enough for prompt and answer, from the end of the cache backwards, every other first: nothing may rely on order.</summary>
    public static int[] Blocks(GoldenCase golden, int blockCount)
    {
        var needed = (golden.TokenIds.Length + golden.Tokens.Length + 15) / 16;
        return [.. Enumerable.Range(0, blockCount).Reverse().OrderBy(block => block % 2).Take(needed)];
    }

    /// <summary>Hands on to the followers what is asked of rank 0.</summary>
    private sealed class LeadingRunner(IModelRunner runner, IShardLink link) : IModelRunner
    {
        private long _step;

        public RunnerCapacity Capacity => runner.Capacity;

        public void LoadImage(ImageFeatures features)
        {
            link.Send(new ShardMessage.LoadImage(features));
            runner.LoadImage(features);
        }

        public void ForgetImage(LlavaCluster.Core.Imaging.ImageHash image)
        {
            link.Send(new ShardMessage.ForgetImage(image));
            runner.ForgetImage(image);
        }

        public StepOutput Run(StepPlan plan)
        {
            plan = new StepPlan(plan.Epoch, _step++, plan.Slices);
            link.Send(new ShardMessage.Run(plan));
            return runner.Run(plan);
        }

        public void Dispose() => runner.Dispose();
    }
}
