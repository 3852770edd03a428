using System.Runtime.Intrinsics;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Language;
using LlavaCluster.Model.Layers;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Kernels;

/// <summary>What is done row by row, against torch.</summary>
public sealed unsafe class RowTests
{
    private static readonly WorkerPool Pool = WorkerPool.Of(2);

    [Theory]
    [InlineData(ScalarType.Float32, 100, 1e-6)]
    [InlineData(ScalarType.BFloat16, 100, 8e-3)]
    [InlineData(ScalarType.Float16, 1024, 1e-3)]
    public void Norm_AnyWidth_IsTorchs(ScalarType type, int width, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var norm = new NormRows(Pool);
        var (x, weight) = ((randn(20, width) * 3).to(type), (randn(width) + 1).to(type));
        var wide = x.to(ScalarType.Float32);
        var expected = weight * (wide * (wide.square().mean([-1], keepdim: true) + 1e-5).rsqrt()).to(type);
        var y = empty_like(x);
        norm.Compute(NumberForms.Of(type), HostMemory.Of(x), 20, HostMemory.Of(weight), width, 1e-5, HostMemory.Of(y));
        Near(expected, y, tolerance);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 50, 1e-6)]
    [InlineData(ScalarType.BFloat16, 50, 8e-3)]
    [InlineData(ScalarType.Float16, 64, 1e-3)]
    public void Gate_AnyWidth_IsTorchs(ScalarType type, int inner, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var gate = new GateRows(Pool);
        var both = (randn(20, 2 * inner) * 5).to(type);
        both[0][0] = -200;
        both[0][1] = 200;
        var expected = nn.functional.silu(both.narrow(1, 0, inner)) * both.narrow(1, inner, inner);
        var y = empty(20, inner, dtype: type);
        gate.Compute(NumberForms.Of(type), HostMemory.Of(both), 20, inner, HostMemory.Of(y));
        Near(expected, y, tolerance);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Sum_OfTwo_IsTorchs(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var sum = new SumRows(Pool);
        var (x, y) = (randn(9, 37).to(type), randn(9, 37).to(type));
        var expected = x + y;
        sum.Compute(NumberForms.Of(type), HostMemory.Of(x), 9, 37, HostMemory.Of(y));
        Assert.True(expected.bytes.SequenceEqual(x.bytes));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 8, false)]
    [InlineData(ScalarType.BFloat16, 64, false)]
    [InlineData(ScalarType.BFloat16, 64, true)]
    [InlineData(ScalarType.Float16, 64, false)]
    public void Rotary_TokensOfTwoSequences_TurnsAndStoresAsTorchDoes(ScalarType type, int dim, bool inPanels)
    {
        using var scope = NewDisposeScope();
        var shape = new AttentionShape(NumberForms.Of(type), dim, 2, [0, 0, 1, 1], null, inPanels: inPanels);
        using var rotary = new RotaryRows(Pool, shape);
        using var angles = new RotaryEmbedding(dim, 10000, CPU);
        var step = new StepLayout();
        step.Fill([new SequenceSlice(1, 30, new int[5], [], [0, 4, 2], null), new SequenceSlice(2, 0, new int[3], [], [1], null)]);
        var slots = new[] { (4 * 16) + 14, (4 * 16) + 15, 32, 33, 34, 16, 17, 18 };
        Assert.Equal(slots, step.Slots.ToArray());

        var fused = randn(8, 8, dim).to(type);
        var (keys, values) = (zeros(5, 16, 2, dim, dtype: type), zeros(5, 16, 2, dim, dtype: type));
        var positions = tensor(new long[] { 30, 31, 32, 33, 34, 0, 1, 2 });
        var (cos, sin) = angles.At(positions, type);
        var turned = angles.Rotate(fused.narrow(1, 0, 6), cos, sin);
        var plain = fused.narrow(1, 6, 2).clone();
        var (tableCos, tableSin) = angles.At(arange(0, 40), type);
        var table = cat([tableCos.narrow(-1, 0, dim / 2), tableSin.narrow(-1, 0, dim / 2)], -1).to(ScalarType.Float32).contiguous();
        rotary.Compute(step, (float*)HostMemory.Of(table), HostMemory.Of(fused), HostMemory.Of(keys), HostMemory.Of(values));

        if (inPanels)
        {
            keys = keys.view(5, 2, dim / 2, 16, 2).permute(0, 3, 1, 2, 4).reshape(5, 16, 2, dim);
            values = values.view(5, 2, 8, dim, 2).permute(0, 2, 4, 1, 3).reshape(5, 16, 2, dim);
        }

        var places = tensor(slots.Select(slot => (long)slot).ToArray());
        Near(turned.narrow(1, 0, 4), fused.narrow(1, 0, 4), 1e-6);
        Near(turned.narrow(1, 4, 2), keys.flatten(0, 1).index_select(0, places), 1e-6);
        Near(plain, values.flatten(0, 1).index_select(0, places), 0);
    }

    [Fact]
    public void Exponential_OfManyNumbers_IsWithinTwoUnits()
    {
        var largest = 0.0;
        for (var x = -87f; x < 88; x += 0.0137f)
        {
            var exact = Math.Exp(x);
            largest = Math.Max(largest, Math.Abs(Exponential.Of(Vector512.Create(x))[3] - exact) / exact);
        }

        Assert.InRange(largest, 0, 2.4e-7);
        Assert.Equal(0, Exponential.Of(Vector512.Create(-100f))[0]);
        Assert.Equal(0, Exponential.Of(Vector512.Create(-1e30f))[0]);
        Assert.Equal(1, Exponential.Of(Vector512.Create(0f))[0]);
        Assert.True(float.IsNaN(Exponential.Of(Vector512.Create(float.NaN))[0]));
    }

    [Fact]
    public void Halves_AllOfThem_WidenAsTheRuntimeDoes()
    {
        var (bits, wide) = (new ushort[65536], new float[65536]);
        for (var i = 0; i < bits.Length; i++)
        {
            bits[i] = (ushort)i;
        }

        fixed (ushort* source = bits)
        {
            fixed (float* target = wide)
            {
                Numbers.Widen(NumberForm.Float16, source, target, bits.Length);
            }
        }

        Assert.Equal(bits.Select(b => (float)BitConverter.UInt16BitsToHalf(b)), wide);
    }

    private static void Near(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        var (a, b) = (expected.to(ScalarType.Float32), actual.to(ScalarType.Float32));
        var largest = ((a - b).abs() / (a.abs() + 1)).max().item<float>();
        Assert.True(largest <= tolerance, $"off by {largest:g3}, allowed {tolerance:g3}");
    }
}
