using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Layers;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Kernels;

/// <summary>Attention over pages that are NaN where nothing was written, and whose blocks lie in no order.</summary>
public sealed class BlockAttentionTests
{
    private static readonly WorkerPool Pool = WorkerPool.Of(2);

    public static TheoryData<ScalarType, int[], int, int?, int> Shapes
    {
        get
        {
            var shapes = new TheoryData<ScalarType, int[], int, int?, int>();
            foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16 })
            {
                shapes.Add(type, [0, 1, 2, 3], 64, null, 200);
                shapes.Add(type, [0, 0, 1, 1], 128, null, 77);
                shapes.Add(type, [0, 0, 0, 0, 1, 1], 8, 20, 150); // a rank's cut inside a group; a window
                shapes.Add(type, [0, 0, 0, 0, 0, 0, 0], 64, 64, 130);
                shapes.Add(type, [0], 24, 1, 30);
            }

            return shapes;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Compute_WholePrompt_IsNearTheFormula(ScalarType type, int[] kvHeadOfQuery, int dim, int? window, int tokens)
    {
        using var scope = NewDisposeScope();
        using var pages = new Pages(type, kvHeadOfQuery, dim, window, tokens);
        var expected = pages.Formula();
        var tolerance = type == ScalarType.Float32 ? 5e-6 : type == ScalarType.Float16 ? 2e-3 : 1.6e-2;
        foreach (var path in KernelPaths.Available)
        {
            var largest = (pages.Attend(path, tokens).to(ScalarType.Float32) - expected).abs().max().item<float>();
            Assert.True(largest <= tolerance, $"{path}: off by {largest:g3}, allowed {tolerance:g3}");
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Compute_InChunksOfAnySize_HasTheSameBits(ScalarType type, int[] kvHeadOfQuery, int dim, int? window, int tokens)
    {
        using var scope = NewDisposeScope();
        using var pages = new Pages(type, kvHeadOfQuery, dim, window, tokens);
        foreach (var path in KernelPaths.Available)
        {
            var whole = pages.Attend(path, tokens);
            foreach (var chunk in new[] { 1, 7, 16, 33, 100 })
            {
                Assert.True(whole.bytes.SequenceEqual(pages.Attend(path, chunk).bytes), $"{path}: chunks of {chunk}");
            }
        }
    }

    /// <summary>One layer's pages and the queries, keys and values of one sequence.</summary>
    private sealed unsafe class Pages : IDisposable
    {
        private readonly ScalarType _type;
        private readonly AttentionShape _shape;
        private readonly int[] _kvHeadOfQuery;
        private readonly int _tokens;
        private readonly int[] _blocks;
        private readonly Tensor _fused;

        public Pages(ScalarType type, int[] kvHeadOfQuery, int dim, int? window, int tokens)
        {
            var kvHeads = kvHeadOfQuery[^1] + 1;
            _shape = new AttentionShape(NumberForms.Of(type), dim, kvHeads, kvHeadOfQuery, window);
            (_type, _kvHeadOfQuery, _tokens) = (type, kvHeadOfQuery, tokens);
            _blocks = Enumerable.Range(0, ((tokens + 15) / 16) + 3).ToArray();
            new Random(tokens).Shuffle(_blocks);
            _fused = randn(tokens, _shape.Heads + (2 * kvHeads), dim).to(type);
        }

        public Tensor Attend(KernelPath path, int chunk)
        {
            var kernel = KernelPaths.Kernel(path);
            var inPanels = PageWriter.Suits(kernel, _shape.Form, _shape.HeadDim);
            var shape = new AttentionShape(
                _shape.Form, _shape.HeadDim, _shape.KvHeads, _kvHeadOfQuery, _shape.SlidingWindow, inPanels: inPanels);
            using var attention = new BlockAttention(kernel, Pool, shape);
            using var pages = new PageRows(Pool, shape);
            using var keys = full(_blocks.Length, 16, _shape.KvHeads, _shape.HeadDim, float.NaN, dtype: _type);
            using var values = keys.clone();
            var (step, result) = (new StepLayout(), empty(_tokens, _shape.Heads, _shape.HeadDim, dtype: _fused.dtype));
            for (var start = 0; start < _tokens; start += chunk)
            {
                var length = Math.Min(chunk, _tokens - start);
                step.Fill([new SequenceSlice(1, start, new int[length], [], _blocks, null)]);
                var fused = HostMemory.Of(_fused.narrow(0, start, length));
                pages.Compute(step, fused, HostMemory.Of(keys), HostMemory.Of(values));
                attention.Begin(step);
                attention.Compute(fused, HostMemory.Of(keys), HostMemory.Of(values), HostMemory.Of(result.narrow(0, start, length)));
            }

            return result;
        }

        public Tensor Formula()
        {
            var wide = _fused.to(ScalarType.Float32).transpose(0, 1); // [heads + 2 kv_heads, tokens, head_dim]
            var groups = tensor(_kvHeadOfQuery.Select(kv => (long)kv).ToArray());
            var keys = wide.narrow(0, _shape.Heads, _shape.KvHeads).index_select(0, groups);
            var values = wide.narrow(0, _shape.Heads + _shape.KvHeads, _shape.KvHeads).index_select(0, groups);
            var scores = matmul(wide.narrow(0, 0, _shape.Heads), keys.transpose(1, 2)) / Math.Sqrt(_shape.HeadDim);
            var (query, key) = (arange(_tokens).unsqueeze(1), arange(_tokens).unsqueeze(0));
            var hidden = key.gt(query);
            if (_shape.SlidingWindow is { } window)
            {
                hidden = hidden.logical_or(key.le(query - window));
            }

            return matmul(scores.masked_fill(hidden, float.NegativeInfinity).softmax(-1), values).transpose(0, 1).contiguous();
        }

        public void Dispose() => _fused.Dispose();
    }
}
