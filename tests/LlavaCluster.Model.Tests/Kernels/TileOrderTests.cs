using System.Runtime.InteropServices;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Layers;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Kernels;

/// <summary>Weights in the order of tiles.</summary>
public sealed unsafe class TileOrderTests
{
    private static readonly WorkerPool Pool = WorkerPool.Of(2);

    [Fact]
    public void Turn_ARow_LiesAcrossTheLinesOfItsTile()
    {
        const int Outputs = 140, Inputs = 70;
        using var weight = Numbered(Outputs, Inputs);
        Assert.Equal(128, TileOrder.Turn(HostMemory.Of(weight), Outputs, Inputs, Pool));
        var words = MemoryMarshal.Cast<byte, ushort>(weight.bytes);
        foreach (var (output, input) in new[] { (0, 0), (0, 1), (0, 2), (17, 33), (63, 69), (64, 0), (127, 68) })
        {
            var tile = output / 64 * 64 * Inputs;
            var place = tile + (input / 2 * 128) + (output % 64 * 2) + (input % 2);
            Assert.Equal((output * Inputs) + input, words[place]);
        }

        // What fills no tile stays as it was.
        Assert.Equal(128 * Inputs, words[128 * Inputs]);
        Assert.Equal((Outputs * Inputs) - 1, words[(Outputs * Inputs) - 1]);
    }

    [Theory]
    [InlineData(256, 64)]
    [InlineData(140, 70)]
    [InlineData(63, 64)]
    [InlineData(128, 51)]
    public void WriteRows_OfTurnedTiles_GivesTheRowsBack(int outputs, int inputs)
    {
        using var weight = Numbered(outputs, inputs);
        using var turned = weight.clone();
        var tiled = TileOrder.Turn(HostMemory.Of(turned), outputs, inputs, Pool);
        Assert.Equal(inputs % 2 == 0 ? outputs / 64 * 64 : 0, tiled);
        using var rows = turned.clone();
        TileOrder.WriteRows(HostMemory.Of(turned), tiled, inputs, HostMemory.Of(rows));
        Assert.True(weight.bytes.SequenceEqual(rows.bytes));
    }

    /// <summary>Each number's bits are its place.</summary>
    private static Tensor Numbered(int outputs, int inputs)
    {
        var numbered = empty(outputs, inputs, dtype: ScalarType.BFloat16);
        var words = MemoryMarshal.Cast<byte, ushort>(numbered.bytes);
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = (ushort)i;
        }

        return numbered;
    }
}
