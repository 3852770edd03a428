using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Layers;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Kernels;

/// <summary>y = x · Wᵀ on every path of this processor.</summary>
public sealed class MatrixProductTests
{
    private const int Rows = 70;

    private static readonly WorkerPool Pool = WorkerPool.Of(2);

    public static TheoryData<ScalarType, int, int> Shapes
    {
        get
        {
            var shapes = new TheoryData<ScalarType, int, int>();
            foreach (var type in new[] { ScalarType.BFloat16, ScalarType.Float16, ScalarType.Float32 })
            {
                foreach (var (outputs, inputs) in new[] { (100, 64), (64, 1100), (333, 2816), (1000, 1024), (40, 51), (5, 7) })
                {
                    shapes.Add(type, outputs, inputs);
                }
            }

            return shapes;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Compute_AnyShape_IsNearTheExactProduct(ScalarType type, int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        var (x, weight) = (randn(Rows, inputs).to(type), randn(outputs, inputs).to(type));
        var exact = matmul(x.to(ScalarType.Float64), weight.to(ScalarType.Float64).t());
        var tolerance = (type == ScalarType.BFloat16 ? 5e-3 : type == ScalarType.Float16 ? 6e-4 : 2e-6) * Math.Sqrt(inputs) * 4;
        foreach (var path in KernelPaths.Available)
        {
            var largest = (Compute(path, x, weight).to(ScalarType.Float64) - exact).abs().max().item<double>();
            Assert.True(largest <= tolerance, $"{path}: off by {largest:g3}, allowed {tolerance:g3}");
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Compute_OnEveryPath_HasTheSameBits(ScalarType type, int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        var (x, weight) = CancellingNumbers.Draw(Rows, outputs, inputs, type);
        var plain = Compute(KernelPath.Plain, x, weight);
        Assert.True(plain.ne(0).any().item<bool>());
        Assert.All(KernelPaths.Available, path => Assert.True(SameBits(plain, Compute(path, x, weight)), $"{path}"));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Compute_AnyNumberOfRows_GivesARowTheSameBits(ScalarType type, int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        var (x, weight) = CancellingNumbers.Draw(Rows, outputs, inputs, type);
        foreach (var path in KernelPaths.Available)
        {
            var all = Compute(path, x, weight);
            foreach (var (first, count) in new[] { (0, 1), (69, 1), (3, 2), (0, 3), (8, 7), (1, 16), (20, 17), (2, 65) })
            {
                var some = Compute(path, x.narrow(0, first, count), weight);
                Assert.True(SameBits(all.narrow(0, first, count), some), $"{path}: rows {first} to {first + count - 1}");
            }
        }
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(100, 66)]
    [InlineData(64, 1100)]
    [InlineData(333, 2816)]
    [InlineData(1000, 1024)]
    [InlineData(130, 2)]
    public void Compute_WeightsInTiles_HasTheBitsOfRows(int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        var (x, weight) = CancellingNumbers.Draw(Rows, outputs, inputs, ScalarType.BFloat16);
        foreach (var path in KernelPaths.Available.Where(path => KernelPaths.Kernel(path).TakesTiles(NumberForm.BFloat16)))
        {
            foreach (var count in new[] { 1, 2, 5, 6, 7, 16, 17, 33, 70 })
            {
                var some = x.narrow(0, Rows - count, count);
                Assert.True(SameBits(Compute(path, some, weight), Compute(path, some, weight, inTiles: true)), $"{path}, {count} rows");
            }
        }
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(1024, 1024)]
    [InlineData(3072, 1024)]
    [InlineData(1024, 2816)]
    [InlineData(512, 1100)]
    [InlineData(2048, 4096)]
    [InlineData(256, 5120)]
    [InlineData(256, 7168)]
    [InlineData(256, 11008)]
    [InlineData(256, 13824)]
    [InlineData(256, 14336)]
    [InlineData(256, 20480)]
    public void Compute_BFloat16WhereTorchHasOurOrder_HasTorchsBits(int outputs, int inputs)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var product = new MatrixProduct(KernelPaths.Kernel(KernelPaths.Best), Pool);
        var (x, weight) = CancellingNumbers.Draw(300, outputs, inputs, ScalarType.BFloat16);
        var ours = Compute(KernelPaths.Best, x, weight);

        // Only more rows than these are ever multiplied by torch. Where it sums otherwise, with whatever number of them, it must be known.
        int[] counts = [HostBuffer.FewRows + 1, 23, 33, 64, Rows, 127, 128, 255, 300];
        var same = counts.Where(count => SameBits(nn.functional.linear(x.narrow(0, 0, count), weight), ours.narrow(0, 0, count))).ToArray();

        Assert.True(
            TorchOrder.IsOurs(product, inputs) == (same.Length == counts.Length),
            $"torch is said to have our order: {TorchOrder.IsOurs(product, inputs)}; it has with {string.Join(", ", same)} of {string.Join(", ", counts)} rows");
    }

    [Fact]
    public void Compute_NotANumber_StaysOne()
    {
        using var scope = NewDisposeScope();
        foreach (var type in new[] { ScalarType.BFloat16, ScalarType.Float16, ScalarType.Float32 })
        {
            var (x, weight) = (ones(2, 32).to(type), ones(16, 32).to(type));
            x[1][3] = double.NaN;
            var y = Compute(KernelPaths.Best, x, weight).to(ScalarType.Float32);
            Assert.True(y[0].eq(32).all().item<bool>());
            Assert.True(y[1].isnan().all().item<bool>());
        }
    }

    private static unsafe Tensor Compute(KernelPath path, Tensor x, Tensor weight, bool inTiles = false)
    {
        using var product = new MatrixProduct(KernelPaths.Kernel(path), Pool);
        var (rows, outputs, inputs) = ((int)x.shape[0], (int)weight.shape[0], (int)weight.shape[1]);
        var y = empty(rows, outputs, dtype: x.dtype);
        var taken = inTiles ? weight.clone() : weight;
        var tiled = inTiles ? TileOrder.Turn(HostMemory.Of(taken), outputs, inputs, Pool) : 0;
        Assert.Equal(inTiles ? outputs / 64 * 64 : 0, tiled);
        product.Compute(
            NumberForms.Of(x.dtype), HostMemory.Of(x), rows, HostMemory.Of(taken), outputs, inputs, HostMemory.Of(y), tiled: tiled);
        return y;
    }

    private static bool SameBits(Tensor a, Tensor b) => a.contiguous().bytes.SequenceEqual(b.contiguous().bytes);
}
