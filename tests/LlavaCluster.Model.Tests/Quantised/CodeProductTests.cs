using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Layers;
using LlavaCluster.Model.Quantised;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Quantised;

/// <summary>Products with codes against the product with the weights that they stand for, bit by bit, on every path of this processor.</summary>
public sealed unsafe class CodeProductTests
{
    private const int Rows = 70;

    private static readonly WorkerPool Pool = WorkerPool.Of(2);

    public static TheoryData<WeightForm, ScalarType, int, int> Shapes
    {
        get
        {
            var shapes = new TheoryData<WeightForm, ScalarType, int, int>();
            foreach (var form in new[] { WeightForm.Int8, WeightForm.Int4 })
            {
                foreach (var type in new[] { ScalarType.BFloat16, ScalarType.Float16, ScalarType.Float32 })
                {
                    foreach (var (outputs, inputs) in new[] { (100, 64), (64, 1100), (333, 2816), (128, 1024), (40, 51), (5, 7) })
                    {
                        shapes.Add(form, type, outputs, inputs);
                    }
                }
            }

            return shapes;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Compute_OnEveryPath_HasTheBitsOfTheWeightsWrittenOut(WeightForm form, ScalarType type, int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        using var rig = new Rig(form, type, outputs, inputs);
        var expected = rig.Expected();
        Assert.All(KernelPaths.Available, path => Assert.True(SameBits(expected, rig.Compute(path, 0, Rows)), $"{path}"));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Compute_AnyNumberOfRows_GivesARowTheSameBits(WeightForm form, ScalarType type, int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        using var rig = new Rig(form, type, outputs, inputs);
        var all = rig.Expected();
        foreach (var path in KernelPaths.Available)
        {
            foreach (var (first, count) in new[] { (0, 1), (69, 1), (3, 2), (0, 3), (8, 7), (1, 16), (20, 17), (2, 65) })
            {
                Assert.True(
                    SameBits(all.narrow(0, first, count), rig.Compute(path, first, count)), $"{path}: rows {first} to {first + count - 1}");
            }
        }
    }

    [Theory]
    [InlineData(WeightForm.Int8, 0.02)]
    [InlineData(WeightForm.Int4, 0.15)]
    public void Compute_Float32_IsNearTheFullProduct(WeightForm form, double allowed)
    {
        using var scope = NewDisposeScope();
        using var rig = new Rig(form, ScalarType.Float32, 128, 1024);
        var full = nn.functional.linear(rig.X, rig.Weight);
        var off = ((rig.Expected() - full).norm() / full.norm()).item<float>();
        Assert.InRange(off, 0, allowed);
    }

    [Theory]
    [InlineData(WeightForm.Int8, 333, 2816)]
    [InlineData(WeightForm.Int4, 333, 2816)]
    [InlineData(WeightForm.Int8, 40, 51)]
    [InlineData(WeightForm.Int4, 40, 51)]
    public void Expansion_OnEveryPath_WritesWhatTheCodesSay(WeightForm form, int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        using var rig = new Rig(form, ScalarType.BFloat16, outputs, inputs);
        foreach (var path in KernelPaths.Available)
        {
            using var expansion = new CodeExpansion(path, Pool);
            var written = empty(outputs, inputs, dtype: ScalarType.BFloat16);
            expansion.Compute(rig.Codes, (ushort*)HostMemory.Of(written));
            Assert.True(SameBits(rig.Bare().to(ScalarType.BFloat16), written), $"{path}");
        }
    }

    private static bool SameBits(Tensor a, Tensor b) => a.contiguous().bytes.SequenceEqual(b.contiguous().bytes);

    /// <summary>A matrix with its codes, and rows of x that put the rounding of every order into the open.</summary>
    private sealed class Rig : IDisposable
    {
        private readonly ScalarType _type;

        public Rig(WeightForm form, ScalarType type, int outputs, int inputs)
        {
            _type = type;
            manual_seed(inputs);
            (X, Weight) = (randn(Rows, inputs).to(type), (randn(outputs, inputs) * 0.05).to(type));
            using var rows = RowCodes.Of(form, NumberForms.Of(type), HostMemory.Of(Weight), outputs, inputs);
            Codes = new CodeMatrix(form, outputs, inputs);
            Codes.Place(rows, 0);
        }

        public Tensor X { get; }

        public Tensor Weight { get; }

        public CodeMatrix Codes { get; }

        /// <summary>What products multiply by: weights of int4, codes of int8; float32.</summary>
        public Tensor Bare()
        {
            var bare = MatrixWeight.WrittenOut(Codes);
            if (Codes.Form == WeightForm.Int8)
            {
                bare = (bare / Scales().unsqueeze(1)).round();
            }

            return bare;
        }

        /// <summary>The plain reference: the product of 16-bit or float32 numbers, then the scales.</summary>
        public Tensor Expected()
        {
            using var product = new MatrixProduct(KernelPaths.Kernel(KernelPath.Plain), Pool);
            var (weight, sums) = (Bare().to(_type), empty(Rows, Codes.Outputs, dtype: _type));
            if (Codes.Form == WeightForm.Int8 && _type == ScalarType.Float16)
            {
                // Sums of bare codes may be too large for the type: they are never stored in it.
                var (wide, wideSums) = (Paired(X), empty(Rows, Codes.Outputs, dtype: ScalarType.Float32));
                product.Compute(
                    NumberForm.Float32, HostMemory.Of(wide), Rows, HostMemory.Of(Paired(weight)), Codes.Outputs, (int)wide.shape[1], HostMemory.Of(wideSums));
                return (wideSums * Scales()).to(_type);
            }

            product.Compute(
                NumberForms.Of(_type), HostMemory.Of(X), Rows, HostMemory.Of(weight), Codes.Outputs, Codes.Inputs, HostMemory.Of(sums));
            return Codes.Form == WeightForm.Int8 ? (sums.to(ScalarType.Float32) * Scales()).to(_type) : sums;
        }

        public Tensor Compute(KernelPath path, int first, int count)
        {
            using var product = new CodeProduct(path, Pool);
            var (x, y) = (X.narrow(0, first, count).contiguous(), empty(count, Codes.Outputs, dtype: _type));
            product.Compute(NumberForms.Of(_type), HostMemory.Of(x), count, Codes, HostMemory.Of(y));
            return y;
        }

        public void Dispose() => Codes.Dispose();

        /// <summary>Float32 in the order in which products take 16-bit numbers: the second of each pair first.</summary>
        private static Tensor Paired(Tensor matrix)
        {
            var wide = matrix.to(ScalarType.Float32);
            if (wide.shape[1] % 2 != 0)
            {
                wide = nn.functional.pad(wide, [0, 1]);
            }

            return wide.view(wide.shape[0], -1, 2).flip(-1).reshape(wide.shape).contiguous();
        }

        private Tensor Scales()
        {
            var scales = empty(Codes.Outputs, dtype: ScalarType.Float32);
            new Span<float>(Codes.Scales, Codes.Outputs).CopyTo(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(scales.bytes));
            return scales;
        }
    }
}
