using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Cuda;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Language;
using LlavaCluster.Model.Tests.Golden;
using Xunit;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Cuda;

/// <summary>
/// Our kernel for answers against torch's attention: on a GPU where tests compute there, else the same source run on the CPU by
/// <see cref="FakeCuda"/>.
/// </summary>
public sealed class PagedAttentionTests(ITestOutputHelper output)
{
    private const int Blocks = 160;

    /// <summary>Type, KV heads, query heads of each, numbers of a head, window, size of queries, largest relative difference.</summary>
    /// <remarks>
    /// float32: sums of up to 700 numbers in another order; with large queries scores of some thousands, whose rounding the weights show, and
    /// whose powers a float holds only relative to the largest.
    /// 16 bits: the result is rounded once, to 8 or 11 digits.
    /// </remarks>
    public static TheoryData<ScalarType, int, int, int, int?, int, double> Shapes => new()
    {
        { ScalarType.Float32, 2, 1, 128, null, 1000, 1e-2 },
        { ScalarType.Float32, 2, 1, 128, null, 1, 1e-5 },
        { ScalarType.Float32, 3, 2, 16, null, 1, 1e-5 },
        { ScalarType.Float32, 1, 7, 64, 300, 1, 1e-5 },
        { ScalarType.Float32, 2, 8, 8, 5, 1, 1e-5 },
        { ScalarType.Float32, 1, 1, 256, 257, 1, 1e-5 },
        { ScalarType.BFloat16, 2, 4, 128, null, 1, 1.0 / 256 },
        { ScalarType.BFloat16, 2, 2, 16, 100, 1, 1.0 / 256 },
        { ScalarType.Float16, 2, 1, 32, null, 1, 1.0 / 2048 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Attend_AnswersAmongPrompts_EqualsTorchsAttention(
        ScalarType type, int kvHeads, int group, int dim, int? window, int size, double tolerance)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var rig = new Rig(type, kvHeads, group, dim, window);
        SequenceSlice[] slices = [rig.Slice(0, 1), rig.Slice(3, 4), rig.Slice(16, 1), rig.Slice(255, 1), rig.Slice(256, 1), rig.Slice(0, 9), .. new[] { 530, 590, 640, 700 }.Select(at => rig.Slice(at, 1))];
        var step = StepInput.Of(slices, rig.Device.Device, window);
        var query = rig.Random(step.Tokens, kvHeads * group, dim) * size;

        var attended = rig.Store.TryAttend(0, query, step)!.to(ScalarType.Float32);

        using var groups = new HeadGroups(rig.Plan, rig.Device.Device);
        var largest = 0.0;
        foreach (var span in step.Spans.Where(span => span.Length == 1))
        {
            var (keys, values) = rig.Pages(span);
            var expected = groups.Attend(query.narrow(0, span.Offset, 1).to(ScalarType.Float32), keys, values, null, causal: false);
            var difference = (attended.narrow(0, span.Offset, 1) - expected).abs().max().cpu().item<float>();
            largest = Math.Max(largest, difference / expected.abs().max().cpu().item<float>());
        }

        output.WriteLine($"largest difference {largest:g3} of the largest number");
        Assert.InRange(largest, 0, tolerance);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Attend_InAnyCompany_GivesTheSameBits(ScalarType type)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var rig = new Rig(type, 2, 2, 32, null);
        SequenceSlice[] slices = [rig.Slice(600, 1), rig.Slice(20, 1), rig.Slice(300, 1)];
        var query = rig.Random(3, 4, 32);
        var together = rig.Attend(slices, query);
        for (var i = 0; i < slices.Length; i++)
        {
            Assert.Equal(together[i], rig.Attend([slices[i]], query.narrow(0, i, 1).contiguous())[0]);
        }
    }

    [Fact]
    public void Attend_StepOfPromptsOnly_IsLeftToTorch()
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var rig = new Rig(ScalarType.Float32, 1, 1, 8, null);
        Assert.Null(rig.Store.TryAttend(0, rig.Random(4, 1, 8), StepInput.Of([rig.Slice(3, 4)], rig.Device.Device, null)));
    }

    /// <summary>From checkpoint to tokens: prompts by torch, every answer's token through the kernel.</summary>
    [Theory]
    [InlineData("vicuna", "text-only")]
    [InlineData("mistral", "text-only")]
    [InlineData("yi", "strip")]
    public void Run_ThroughTheKernel_GivesTheReferenceTokens(string checkpoint, string name)
    {
        var model = GoldenModel.Of(checkpoint);
        var golden = model.Case(name);
        golden = golden with { Tokens = golden.Tokens[..Math.Min(6, golden.Tokens.Length)] };
        using var runner = model.Runner(attention: (plan, dim) => new PagedAttention(plan, dim, model.Device, FakeCuda.Driver, FakeCuda.Compiler));
        var answer = GreedyLoop.Run(runner, model, golden, chunk: 100);
        Assert.Equal(golden.Tokens, answer.Select(token => token.Id));
        Assert.All(answer.Zip(golden.LogProbs), pair => Assert.InRange(Math.Abs(pair.First.LogProb - pair.Second), 0, 2e-3));
    }

    [Theory]
    [InlineData(8, 8, 96, "rank 0 has 8 query heads over 8 KV heads of 96")]
    [InlineData(16, 1, 64, "rank 0 has 16 query heads over 1 KV heads of 64")]
    public void Construct_HeadsThatItDoesNotTake_AreRefusedWithNumbers(int heads, int kvHeads, int dim, string numbers)
    {
        var text = Rig.Text(heads, kvHeads, dim);
        var error = Assert.Throws<ArgumentException>(() => new PagedAttention(
            new ShardPlan(text, 0, 1), dim, TestDevice.Of(ScalarType.Float32), FakeCuda.Driver, FakeCuda.Compiler));
        Assert.StartsWith(
            "Kernels 'fast' on a GPU take heads of 8 to 256 numbers, a power of two, and 1 to 8 query heads to each KV head; " + numbers
            + ". Take kernels 'torch'.",
            error.Message);
    }

    [Fact]
    public void FreeBytes_OfAGpu_AreTheDrivers()
    {
        var free = FakeCuda.Driver.FreeBytes(0);
        Assert.InRange(free, 1, TestDevice.IsCpu ? 5L << 30 : long.MaxValue);
        Assert.Equal(TestDevice.IsCpu, TestDevice.Of(ScalarType.Float32).FreeGpuBytes() is null);
    }

    [Fact]
    public void Compile_WhatIsNoKernel_SaysTheCompilersWords()
    {
        var error = Assert.Throws<CudaException>(() => FakeCuda.Compiler.Compile("int x = missing;", "broken.cu", "-DNUMBER=1"));
        Assert.StartsWith("NVRTC cannot compile broken.cu (-DNUMBER=1): NVRTC_ERROR_COMPILATION (6).", error.Message);
        Assert.Contains("missing", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "CUDA's driver is not found as libmissing.so: install NVIDIA's driver, or take kernels 'torch'.")]
    [InlineData(false, "NVRTC is not found as libmissing.so. Put the folder of torch's copy (nvidia/*/lib) on LD_LIBRARY_PATH, or take kernels 'torch'.")]
    public void Open_NotThere_SaysWhatToDo(bool driver, string message)
        => Assert.Equal(message, Assert.Throws<DllNotFoundException>(
            () => driver ? (object)CudaDriver.Open("libmissing.so") : Nvrtc.Open("libmissing.so")).Message);

    /// <summary>One layer's pages, full of random numbers, and the kernel for them.</summary>
    private sealed class Rig : IDisposable
    {
        private readonly Generator _chance = new(11);
        private readonly int? _window;

        public Rig(ScalarType type, int kvHeads, int group, int dim, int? window)
        {
            var text = Text(kvHeads * group, kvHeads, dim);
            (Device, _window, Plan) = (TestDevice.Of(type), window, new ShardPlan(text, 0, 1));
            Store = new PagedKvCache(text, Plan, Device, Blocks, new PagedAttention(Plan, dim, Device, FakeCuda.Driver, FakeCuda.Compiler));
            foreach (var pages in new[] { Store.KeyPages(0), Store.ValuePages(0) })
            {
                using var scope = NewDisposeScope();
                pages.copy_(randn(pages.shape, generator: _chance));
            }
        }

        public TensorDevice Device { get; }

        public ShardPlan Plan { get; }

        public PagedKvCache Store { get; }

        public static TextConfig Text(int heads, int kvHeads, int dim) => new()
        {
            ModelType = "llama",
            Hidden = heads * dim,
            Intermediate = 8,
            Layers = 1,
            Heads = heads,
            KvHeads = kvHeads,
            HeadDim = dim,
            VocabularySize = 8,
            MaxPositions = 2048,
            RmsEps = 1e-5,
            RopeTheta = 10000,
        };

        public Tensor Random(params long[] shape) => randn(shape, generator: _chance).to(Device.Type, Device.Device);

        /// <summary>New tokens of a sequence whose blocks lie anywhere.</summary>
        public SequenceSlice Slice(int start, int length)
        {
            var order = Enumerable.Range(0, Blocks).ToArray();
            new Random(start).Shuffle(order);
            return new SequenceSlice(1, start, new int[length], [], order[..(((start + length - 1) / 16) + 1)], null);
        }

        public (Tensor Keys, Tensor Values) Pages(SequenceSpan span)
        {
            return (Gather(Store.KeyPages(0)), Gather(Store.ValuePages(0)));

            Tensor Gather(Tensor pages) => pages.index_select(0, span.Blocks).flatten(0, 1)
                .narrow(0, span.FirstKey % 16, span.Context - span.FirstKey).to(ScalarType.Float32);
        }

        /// <summary>The bytes of each sequence's row.</summary>
        public byte[][] Attend(SequenceSlice[] slices, Tensor query)
        {
            var attended = Store.TryAttend(0, query, StepInput.Of(slices, Device.Device, _window))!.cpu();
            return [.. Enumerable.Range(0, slices.Length).Select(i => attended[i].bytes.ToArray())];
        }

        public void Dispose()
        {
            Store.Dispose();
            _chance.Dispose();
        }
    }
}
