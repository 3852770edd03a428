using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Tests.Golden;
using LlavaCluster.Model.Tests.Language;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests;

public sealed class ModelRunnerTests
{
    private const string Picture = "p161x184.png";

    private static readonly GoldenModel Model = GoldenModel.Of("mistral");

    [Fact]
    public void Capacity_OfACheckpoint_IsItsNumbers()
    {
        using var runner = Model.Runner(blocks: 9);
        Assert.Equal(new RunnerCapacity(9, 16, 32768, 2048), runner.Capacity);
    }

    [Theory]
    [InlineData(1, 2 * 3 * 16 * 2 * 16 * 2)]
    [InlineData(2, 2 * 3 * 16 * 1 * 16 * 2)]
    [InlineData(4, 2 * 3 * 16 * 1 * 16 * 2)]
    public void KvBlockBytes_OfRanks_IsTwoTensorsPerLayer(int ranks, long bytes)
        => Assert.Equal(bytes, ModelRunner.KvBlockBytes(Model.Config, ScalarType.BFloat16, ranks));

    [Theory]
    [InlineData(KernelChoice.Fast, 0, "Kernels 'fast' compute on a CPU or an NVIDIA GPU; for device meta take kernels 'torch'.")]
    [InlineData(KernelChoice.Torch, 1, "KV blocks move to host memory from a CPU only, not from device meta.")]
    public void Construct_WhatNeedsHostMemory_IsRefusedOnOtherDevices(KernelChoice kernels, int hostBlocks, string message)
    {
        var options = new ModelRunnerOptions { KvBlocks = 1, KvHostBlocks = hostBlocks, Kernels = kernels };
        var error = Assert.Throws<ArgumentException>(() => new ModelRunner(
            Model.Config, new RandomWeights(), new TensorDevice(META, ScalarType.BFloat16), new SingleRank(), options));
        Assert.StartsWith(message, error.Message);
    }

    [Fact]
    public void Run_SliceWithoutSample_GivesNoToken()
    {
        using var runner = Model.Runner();
        Assert.Empty(runner.Run(Plan(new SequenceSlice(1, 0, new[] { 1, 2 }, [], [0], null))).Tokens);
        Assert.Empty(runner.Run(new StepPlan(0, 1, [])).Tokens);
    }

    /// <summary>From plan to sampled tokens, on the engine's thread.</summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(16, 0)]
    [InlineData(16, 0.7f)]
    public void Run_DecodingInSteadyState_AllocatesNothing(int sequences, float temperature)
    {
        var sampling = new SamplingOptions { Temperature = temperature, TopP = 0.9f, TopK = 40 };
        using var runner = GoldenModel.OnCpu("mistral", ScalarType.BFloat16).Runner(kernels: KernelChoice.Fast);
        var plan = Plan([.. Enumerable.Range(0, sequences).Select(
            i => new SequenceSlice(i, 0, new[] { 5 + i }, [], [i], new SampleRequest(sampling, 1, 0, 0, default, default)))]);
        Decode(60); // until buffers have their sizes and the runtime its code
        var before = GC.GetAllocatedBytesForCurrentThread();
        var tokens = Decode(10);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(10 * sequences, tokens);

        int Decode(int steps)
        {
            var sampled = 0;
            for (var step = 0; step < steps; step++)
            {
                sampled += runner.Run(plan).Tokens.Count;
            }

            return sampled;
        }
    }

    [Fact]
    public void Run_PlaceholderWithoutImage_IsRefusedWhenPastTheVocabulary()
    {
        using var runner = Model.Runner();
        Refused(runner, new SequenceSlice(3, 0, new[] { 1, 2048 }, [], [0], Greedy()),
            "Step 0, sequence 3: id 2048 stands at position 1 without an image; the vocabulary has 2048.");
    }

    [Fact]
    public void Run_TooFewBlocks_IsRefused()
    {
        using var runner = Model.Runner();
        Refused(runner, new SequenceSlice(3, 10, new int[7], [], [0], Greedy()),
            "Step 0, sequence 3: 1 blocks of 16 do not cover 17 positions.");
    }

    [Fact]
    public void Run_UnknownBlock_IsRefused()
    {
        using var runner = Model.Runner(blocks: 4);
        Refused(runner, new SequenceSlice(3, 0, new int[7], [], [4], Greedy()), "Step 0, sequence 3: block 4 is named; there are 4.");
    }

    [Fact]
    public void Run_CopyOfUnknownBlock_IsRefused()
    {
        using var runner = Model.Runner(blocks: 4);
        var plan = Plan(new SequenceSlice(3, 0, new int[7], [], [0], Greedy())) with { BlockCopies = [new BlockCopy(1, 4)] };
        Assert.Equal(
            "Step 0: block 1 is to be copied to 4; there are 4.", Assert.Throws<InvalidOperationException>(() => runner.Run(plan)).Message);
    }

    [Fact]
    public void Run_BlockCopies_AreMadeBeforeAnythingIsComputed()
    {
        // A prompt of 20 tokens; then its last token again over a copy of the second block, while the original goes on.
        using var runner = Model.Runner(blocks: 8);
        var ids = Enumerable.Range(3, 21).ToArray();
        var alone = runner.Run(Plan(new SequenceSlice(1, 0, ids.AsMemory(0, 20), [], [0, 1], Greedy()))).Tokens[0];
        var both = runner.Run(Plan(new SequenceSlice(1, 20, ids.AsMemory(20, 1), [], [0, 1], Greedy())) with
        {
            Slices =
            [
                new SequenceSlice(1, 20, ids.AsMemory(20, 1), [], [0, 1], Greedy()),
                new SequenceSlice(2, 19, ids.AsMemory(19, 1), [], [0, 5], Greedy()),
            ],
            BlockCopies = [new BlockCopy(1, 5)],
        }).Tokens[1];

        Assert.Equal(alone.Id, both.Id);
        Assert.Equal(alone.LogProb, both.LogProb, 1e-4);
    }

    [Fact]
    public void Run_PastTheContext_IsRefused()
    {
        using var runner = Model.Runner();
        Refused(runner, new SequenceSlice(3, 32768, new int[1], [], [0], Greedy()),
            "Step 0, sequence 3: positions 32768 to 32768 are asked for; the model takes 0 to 32767.");
    }

    [Fact]
    public void Run_ImageNotLoaded_IsNamed()
    {
        using var runner = Model.Runner();
        var image = GoldenModel.HashOf(Picture);
        Refused(runner, new SequenceSlice(3, 0, new int[7], [new ImageSlice(image, 161, 184, 0, 0, 7)], [0], Greedy()),
            $"The plan needs image {image}, which was not loaded.");
    }

    [Fact]
    public void Run_ImageTokensPastItsEnd_AreNamed()
    {
        using var runner = Model.Runner();
        var features = Model.Features(Picture);
        runner.LoadImage(features);
        Refused(runner, new SequenceSlice(3, 0, new int[7], [new ImageSlice(features.Image, 161, 184, 1276, 0, 7)], [0], Greedy()),
            $"The plan needs tokens 1276 to 1282 of image {features.Image}, which has 1128.");
    }

    [Fact]
    public void Run_AfterARefusedPlan_GoesOn()
    {
        using var runner = Model.Runner();
        Assert.Throws<InvalidOperationException>(() => runner.Run(Plan(new SequenceSlice(3, 0, new[] { 5000 }, [], [0], Greedy()))));
        var golden = Model.Case("text-only");
        Assert.Equal(golden.Tokens, GreedyLoop.Run(runner, Model, golden, 100).Select(token => token.Id));
    }

    [Fact]
    public async Task Run_OneRankRefuses_EndsTheOthersInsteadOfHangingThem()
    {
        var ends = InProcessCollective.Create(2);
        using var first = Model.Runner(ends[0]);
        using var second = Model.Runner(ends[1]);
        var good = Plan(new SequenceSlice(1, 0, new[] { 1, 2, 3 }, [], [0], Greedy()));
        var waiting = Task.Run(() => Record.Exception(() => first.Run(good)));
        Assert.Throws<InvalidOperationException>(() => second.Run(Plan(new SequenceSlice(1, 0, new[] { 5000 }, [], [0], Greedy()))));
        var error = Assert.IsType<CollectiveAbortedException>(await waiting);
        Assert.Equal(
            "The ranks no longer work together: rank 1 failed in step 0: Step 0, sequence 1: id 5000 stands at position 0 without an "
            + "image; the vocabulary has 2048. They must be formed anew.",
            error.Message);
    }

    [Fact]
    public void LoadImage_FeaturesOfAnotherModel_AreRefused()
    {
        using var runner = Model.Runner();
        var features = Model.Features(Picture) with { Channels = 64 };
        var error = Assert.Throws<ArgumentException>(() => runner.LoadImage(features));
        Assert.StartsWith(
            $"Features of image {features.Image} (161×184) are 3 tiles × 576 patches × 64 channels in {3 * 576 * 32 * 4} bytes; this model "
            + "has 3 × 576 × 32. Encoder and decoder must serve one checkpoint.",
            error.Message);
    }

    [Fact]
    public void LoadImage_HalfPrecisionFeatures_AreTaken()
    {
        using var runner = Model.Runner();
        runner.LoadImage(GoldenModel.Of("mistral", ScalarType.BFloat16).Features(Picture));
        runner.ForgetImage(GoldenModel.HashOf(Picture));
        runner.ForgetImage(GoldenModel.HashOf(Picture));
    }

    [Fact]
    public void Run_SeededSampling_IsTheSameInAnyChunking()
    {
        var golden = Model.Case("strip");
        var options = new SamplingOptions { Temperature = 1.2f, TopP = 0.9f, RepetitionPenalty = 1.1f, LogProbs = 2 };
        using var runner = Model.Runner();
        var whole = GreedyLoop.Run(runner, Model, golden, 4096, options);
        var chunks = GreedyLoop.Run(runner, Model, golden, 77, options);
        Assert.Equal(whole.Select(token => token.Id), chunks.Select(token => token.Id));
        Assert.NotEqual(golden.Tokens, whole.Select(token => token.Id));
        Assert.All(whole, token => Assert.Equal(2, token.Top.Count));
    }

    private static void Refused(IModelRunner runner, SequenceSlice slice, string message)
        => Assert.Equal(message, Assert.Throws<InvalidOperationException>(() => runner.Run(Plan(slice))).Message);

    private static StepPlan Plan(params SequenceSlice[] slices) => new(0, 0, slices);

    private static SampleRequest Greedy() => new(SamplingOptions.Greedy, 0, 0, 0, default, default);
}
