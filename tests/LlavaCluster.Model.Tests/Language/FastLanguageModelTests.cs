using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Language;
using LlavaCluster.Model.Layers;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Language;

/// <summary>The fast path against the reference, and against itself under load.</summary>
public sealed class FastLanguageModelTests
{
    /// <summary>Wide enough that products take several blocks, long enough that attention takes several groups.</summary>
    private static readonly TextConfig Text = new()
    {
        ModelType = "mistral",
        Hidden = 640,
        Intermediate = 1100,
        Layers = 2,
        Heads = 10,
        KvHeads = 2,
        HeadDim = 64,
        VocabularySize = 301,
        MaxPositions = 512,
        RmsEps = 1e-5,
        RopeTheta = 10000,
    };

    public static TheoryData<ScalarType, int?, WeightForm> Types => new()
    {
        { ScalarType.Float32, null, WeightForm.Full },
        { ScalarType.Float32, 50, WeightForm.Full },
        { ScalarType.BFloat16, null, WeightForm.Full },
        { ScalarType.BFloat16, 50, WeightForm.Full },
        { ScalarType.Float16, null, WeightForm.Full },
        { ScalarType.Float32, null, WeightForm.Int8 },
        { ScalarType.BFloat16, null, WeightForm.Int8 },
        { ScalarType.Float16, null, WeightForm.Int8 },
        { ScalarType.Float32, null, WeightForm.Int4 },
        { ScalarType.BFloat16, 50, WeightForm.Int4 },
        { ScalarType.Float16, null, WeightForm.Int4 },
    };

    [Theory]
    [MemberData(nameof(Types))]
    public void Forward_WholePrompt_IsNearTheReference(ScalarType type, int? window, WeightForm weights)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var rig = new Rig(Text with { SlidingWindow = window }, type, weights);
        var slice = Rig.Slice(Rig.Ids(0, 150), 0, 150, [3, 1, 4, 15, 9, 2, 6, 5, 35, 8]);
        rig.Fast.Forward([slice], null!);
        var step = StepInput.Of([slice], CPU, window);
        var x = rig.Model.Embed(tensor(slice.TokenIds.ToArray().Select(id => (long)id).ToArray()));
        var expected = rig.Model.forward(x, step, new NoKvCache()).to(ScalarType.Float32);
        var actual = rig.Fast.Hidden().to(ScalarType.Float32);
        var allowed = type == ScalarType.Float32 ? 2e-5 : type == ScalarType.Float16 ? 6e-3 : 4e-2;
        var off = ((actual - expected).norm() / expected.norm()).item<float>();
        Assert.True(off <= allowed, $"off by {off:g3} of the norm, allowed {allowed}");

        var logits = rig.Model.Logits(rig.Fast.Hidden().narrow(0, 149, 1)).data<float>().ToArray();
        rig.Fast.Logits([slice]);
        var scale = logits.Max(Math.Abs);
        Assert.All(rig.Fast.Row(0).ToArray().Zip(logits), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, allowed * scale));
    }

    /// <summary>
    /// Every token of five sequences alone and whole; then the same sequences in random batches, cut at random, joining and leaving;
    /// then their answers computed as if they were prompts. The bits are the same.
    /// </summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void Forward_UnderAnyLoad_GivesATokenTheSameBits(ScalarType type, int? window, WeightForm weights)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var rig = new Rig(Text with { SlidingWindow = window }, type, weights);
        var lengths = new[] { 141, 1, 17, 64, 96 };
        var alone = lengths.Select((length, number) => rig.Alone(number, length, decoded: 9)).ToArray();
        for (var seed = 0; seed < 3; seed++)
        {
            var random = new Random(seed);
            var done = new int[lengths.Length];
            while (Enumerable.Range(0, lengths.Length).Where(n => done[n] < lengths[n]).ToArray() is { Length: > 0 } open)
            {
                var chosen = open.Where(_ => random.Next(3) > 0).DefaultIfEmpty(open[0]).ToArray();
                var slices = chosen.Select(n =>
                {
                    var most = random.Next(2) == 0 ? 1 : lengths[n];
                    return rig.Next(n, done[n], random.Next(1, Math.Min(most, lengths[n] - done[n]) + 1));
                }).ToArray();
                rig.Fast.Forward(slices, null!);
                var at = 0;
                foreach (var (number, slice) in chosen.Zip(slices))
                {
                    for (var i = 0; i < slice.TokenIds.Length; i++, at++)
                    {
                        Assert.True(
                            alone[number][slice.Start + i].SequenceEqual(rig.HiddenRow(at)),
                            $"seed {seed}: sequence {number}, position {slice.Start + i}, batch of {slices.Length}");
                    }

                    done[number] += slice.TokenIds.Length;
                }
            }
        }
    }

    [Fact]
    public void Logits_InABatch_HaveTheBitsOfThoseAlone()
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var rig = new Rig(Text, ScalarType.BFloat16);
        var slices = Enumerable.Range(0, 20).Select(n => Rig.Slice(Rig.Ids(n, 3), 0, 3, [n])).ToArray();
        rig.Fast.Forward(slices, null!);
        Assert.Equal(20, rig.Fast.Logits(slices)); // more than a few: by torch where it has our order
        var together = Enumerable.Range(0, 20).Select(n => rig.Fast.Row(n).ToArray()).ToArray();
        for (var n = 0; n < 20; n++)
        {
            rig.Fast.Forward([slices[n]], null!);
            rig.Fast.Logits([slices[n]]);
            Assert.Equal(together[n], rig.Fast.Row(0).ToArray());
        }
    }

    [Theory]
    [InlineData(WeightForm.Full)]
    [InlineData(WeightForm.Int8)]
    [InlineData(WeightForm.Int4)]
    public void Forward_DecodingInSteadyState_AllocatesNothing(WeightForm weights)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var rig = new Rig(Text, ScalarType.BFloat16, weights);
        var prompts = Enumerable.Range(0, 3).Select(n => rig.Next(n, 0, 40 + n)).ToArray();
        var steps = Enumerable.Range(0, 3).Select(n => rig.Next(n, 40 + n, 1)).ToArray();
        rig.Fast.Forward(prompts, null!);
        rig.Fast.Logits(prompts);
        Decode(40); // until buffers have their sizes and the runtime its code
        var before = GC.GetAllocatedBytesForCurrentThread();
        Decode(10);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Decode(int times)
        {
            for (var i = 0; i < times; i++)
            {
                rig.Fast.Forward(steps, null!);
                rig.Fast.Logits(steps);
            }
        }
    }

    [Fact]
    public void Constructor_TilesForAKernelOfRows_IsRefused()
    {
        var device = new TensorDevice(CPU, ScalarType.BFloat16);
        using var rank = new SingleRank();
        using var model = new LanguageModel(Text, new TypedWeights(device.Type), device, rank, inTiles: true);
        using var cache = new PagedKvCache(Text, new ShardPlan(Text, 0, 1), device, 1);
        var error = Assert.Throws<ArgumentException>(
            () => new FastLanguageModel(model, Text, device.Type, rank, cache, KernelPath.Plain));
        Assert.StartsWith("The weight lies in tiles, which the kernels of path Plain do not take; read it with inTiles: false.", error.Message);
    }

    [Fact]
    public void Forward_TiedEmbeddings_IsNearTheReference()
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var rig = new Rig(Text with { TieEmbeddings = true }, ScalarType.BFloat16);
        var slice = Rig.Slice(Rig.Ids(0, 5), 0, 5, [3]);
        rig.Fast.Forward([slice], null!);
        rig.Fast.Logits([slice]);
        var logits = rig.Model.Logits(rig.Fast.Hidden().narrow(0, 4, 1)).data<float>().ToArray();
        Assert.All(rig.Fast.Row(0).ToArray().Zip(logits), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 4e-2 * logits.Max(Math.Abs)));
    }

    /// <summary>A model with both paths over the same pages.</summary>
    private sealed class Rig : IDisposable
    {
        private const int BlocksOfSequence = 10;

        private readonly PagedKvCache _cache;
        private readonly SingleRank _rank = new();

        public Rig(TextConfig text, ScalarType type, WeightForm weights = WeightForm.Full)
        {
            var device = new TensorDevice(CPU, type);
            var codes = weights == WeightForm.Full ? null : new CodeChoice(weights, KeepCodes: true);
            Model = new LanguageModel(text, new TypedWeights(type), device, _rank, codes, FastLanguageModel.TakesTiles(device));
            _cache = new PagedKvCache(text, new ShardPlan(text, 0, 1), device, 5 * BlocksOfSequence);
            Fast = new FastLanguageModel(Model, text, type, _rank, _cache, KernelPaths.Best);
        }

        public LanguageModel Model { get; }

        public FastLanguageModel Fast { get; }

        public static int[] Ids(int sequence, int length)
            => [.. Enumerable.Range(0, length).Select(i => ((i * 31) + (sequence * 7)) % 301)];

        public static SequenceSlice Slice(int[] ids, int start, int length, int[] blocks) => new(
            1, start, ids.AsMemory(start, length), [], blocks, new SampleRequest(SamplingOptions.Greedy, 1, 0, 0, default, default));

        public SequenceSlice Next(int sequence, int start, int length) => Slice(
            Ids(sequence, start + length),
            start,
            length,
            [.. Enumerable.Range(0, BlocksOfSequence).Select(i => (((i * 5) + sequence) % 50))]);

        /// <summary>Hidden rows of a sequence alone: its prompt in one step, its last tokens one by one.</summary>
        public byte[][] Alone(int sequence, int length, int decoded)
        {
            var rows = new List<byte[]>();
            var prompt = Math.Max(1, length - decoded);
            for (var start = 0; start < length; start += start == 0 ? prompt : 1)
            {
                var slice = Next(sequence, start, start == 0 ? prompt : 1);
                Fast.Forward([slice], null!);
                rows.AddRange(Enumerable.Range(0, slice.TokenIds.Length).Select(HiddenRow));
            }

            return [.. rows];
        }

        public byte[] HiddenRow(int row)
        {
            using var scope = NewDisposeScope();
            return Fast.Hidden()[row].bytes.ToArray();
        }

        public void Dispose()
        {
            Fast.Dispose();
            _cache.Dispose();
            Model.Dispose();
        }
    }
}
