using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Quantised;
using Xunit;

namespace LlavaCluster.Model.Tests.Quantised;

/// <summary>Numbers to codes, and what the codes say.</summary>
public sealed unsafe class QuantiserTests
{
    [Theory]
    [InlineData(WeightForm.Int8, 1)]
    [InlineData(WeightForm.Int8, 77)]
    [InlineData(WeightForm.Int8, 1024)]
    [InlineData(WeightForm.Int4, 1)]
    [InlineData(WeightForm.Int4, 77)]
    [InlineData(WeightForm.Int4, 1024)]
    public void Of_AnyRow_IsOffByLittleMoreThanHalfAStep(WeightForm form, int inputs)
    {
        var numbers = Draw(5, inputs);
        using var codes = Of(form, numbers, 5, inputs);
        for (var row = 0; row < 5; row++)
        {
            for (var i = 0; i < inputs; i++)
            {
                var first = form == WeightForm.Int8 ? 0 : i / RowCodes.Group * RowCodes.Group;
                var count = form == WeightForm.Int8 ? inputs : Math.Min(RowCodes.Group, inputs - first);
                var largest = numbers.AsSpan((row * inputs) + first, count).ToArray().Max(MathF.Abs);

                // Of int4 the scale is at most a seventh; at the least, a ninth and 5 bits, the largest number is cut to 8 steps.
                var allowed = form == WeightForm.Int8 ? largest / 127 / 2 * 1.001f : largest / 7 * 1.1f;
                Assert.InRange(MathF.Abs(codes[row, i] - numbers[(row * inputs) + i]), 0, allowed);
            }
        }
    }

    [Fact]
    public void Of_Int4_ErrsLessThanAStepOfASeventh()
    {
        var numbers = Draw(64, 1024);
        using var codes = Of(WeightForm.Int4, numbers, 64, 1024);
        var (ours, plain) = (0.0, 0.0);
        for (var i = 0; i < numbers.Length; i++)
        {
            var group = numbers.AsSpan(i / RowCodes.Group * RowCodes.Group, RowCodes.Group).ToArray();
            var step = group.Max(MathF.Abs) / 7;
            plain += Math.Pow((MathF.Round(numbers[i] / step) * step) - numbers[i], 2);
            ours += Math.Pow(codes[i / 1024, i % 1024] - numbers[i], 2);
        }

        Assert.InRange(ours / plain, 0, 0.85);
    }

    [Fact]
    public void Of_Int4_GivesWeightsThatAreBFloat16Exactly()
    {
        var numbers = Draw(64, 1024);
        using var codes = Of(WeightForm.Int4, numbers, 64, 1024);
        for (var i = 0; i < numbers.Length; i++)
        {
            var weight = codes[i / 1024, i % 1024];
            Assert.Equal(weight, Numbers.Round(NumberForm.BFloat16, weight));
        }
    }

    [Theory]
    [InlineData(WeightForm.Int8)]
    [InlineData(WeightForm.Int4)]
    public void Of_RowOfZeros_StaysZero(WeightForm form)
    {
        using var codes = Of(form, new float[64], 1, 64);
        Assert.All(Enumerable.Range(0, 64), i => Assert.Equal(0, codes[0, i]));
    }

    [Theory]
    [InlineData(WeightForm.Int8, float.NaN)]
    [InlineData(WeightForm.Int8, float.NegativeInfinity)]
    [InlineData(WeightForm.Int4, float.NaN)]
    [InlineData(WeightForm.Int4, float.PositiveInfinity)]
    public void Of_WhatIsNoNumber_StaysVisible(WeightForm form, float wrong)
    {
        var numbers = Draw(1, 64);
        numbers[40] = wrong;
        using var codes = Of(form, numbers, 1, 64);
        Assert.True(float.IsNaN(codes[0, 40]));
    }

    [Theory]
    [InlineData(WeightForm.Int8, 100, 77)]
    [InlineData(WeightForm.Int8, 64, 128)]
    [InlineData(WeightForm.Int4, 100, 77)]
    [InlineData(WeightForm.Int4, 64, 128)]
    [InlineData(WeightForm.Int4, 5, 7)]
    public void Place_TwoTensors_KeepsEveryWeight(WeightForm form, int outputs, int inputs)
    {
        using var upper = Of(form, Draw(outputs, inputs), outputs, inputs);
        using var lower = Of(form, Draw(3, inputs), 3, inputs);
        using var matrix = new CodeMatrix(form, outputs + 3, inputs);
        matrix.Place(upper, 0);
        matrix.Place(lower, outputs);
        for (var output = 0; output < outputs + 3; output++)
        {
            for (var input = 0; input < inputs; input++)
            {
                Assert.Equal(output < outputs ? upper[output, input] : lower[output - outputs, input], matrix[output, input]);
            }
        }
    }

    [Fact]
    public void Columns_OfInt8_AreUnderTheWholeRowsScale()
    {
        using var whole = Of(WeightForm.Int8, Draw(4, 96), 4, 96);
        using var part = whole.Columns(50, 40);
        Assert.All(Enumerable.Range(0, 160), i => Assert.Equal(whole[i / 40, 50 + (i % 40)], part[i / 40, i % 40]));
    }

    private static RowCodes Of(WeightForm form, float[] numbers, int rows, int inputs)
    {
        fixed (float* memory = numbers)
        {
            return RowCodes.Of(form, NumberForm.Float32, (byte*)memory, rows, inputs);
        }
    }

    /// <summary>Numbers as weights have them: many small, few large.</summary>
    private static float[] Draw(int rows, int inputs)
    {
        var random = new Random(inputs);
        return [.. Enumerable.Range(0, rows * inputs).Select(_ => (float)Enumerable.Range(0, 6).Sum(_ => random.NextDouble() - 0.5))];
    }
}
