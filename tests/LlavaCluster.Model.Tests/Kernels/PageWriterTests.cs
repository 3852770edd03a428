using System.Runtime.InteropServices;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Kernels;
using Xunit;

namespace LlavaCluster.Model.Tests.Kernels;

/// <summary>Values in panels: two positions share words.</summary>
public sealed unsafe class PageWriterTests
{
    private const int Dim = 16;

    private static readonly AttentionShape Shape = new(NumberForm.BFloat16, Dim, 1, [0], null, inPanels: true);

    private readonly ushort[] _page = new ushort[AttentionShape.BlockTokens * Dim];

    [Fact]
    public void Values_SecondOfAPairStillToCome_ReadsAsZero()
    {
        Array.Fill(_page, ushort.MaxValue); // no number
        Write(start: 0, count: 3);
        Assert.Equal([1, 2, 3, 0], [Stored(0), Stored(1), Stored(2), Stored(3)]);
        Assert.Equal(ushort.MaxValue, Stored(4));
    }

    [Fact]
    public void Values_SecondOfAPairInALaterStep_KeepsTheFirst()
    {
        Write(start: 0, count: 3);
        Write(start: 3, count: 1);
        Assert.Equal([1, 2, 3, 4, 0], [Stored(0), Stored(1), Stored(2), Stored(3), Stored(4)]);
    }

    [Fact]
    public void Values_StepThatBeginsInAPair_WritesAllOfIt()
    {
        Write(start: 0, count: 1);
        Write(start: 1, count: 4);
        Assert.Equal([1, 2, 3, 4, 5, 0], Enumerable.Range(0, 6).Select(Stored));
    }

    /// <summary>A step of a sequence: the value of position p is p + 1.</summary>
    private void Write(int start, int count)
    {
        var step = new StepLayout();
        step.Fill([new SequenceSlice(1, start, new int[count], [], [0], null)]);
        var values = new ushort[count * Dim];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (ushort)(start + (i / Dim) + 1);
        }

        var writer = new PageWriter(Shape);
        fixed (ushort* page = _page, first = values)
        {
            for (var token = count - 1; token >= 0; token--)
            {
                writer.Values((byte*)page, step.Slots, token, (byte*)(first + (token * Dim)), Dim * sizeof(ushort));
            }
        }
    }

    private ushort Stored(int position)
    {
        var line = MemoryMarshal.Cast<ushort, uint>(_page).Slice(position / 2 * Dim, Dim);
        return Assert.Single(line.ToArray().Select(OfWord).Distinct());

        ushort OfWord(uint word) => (ushort)(position % 2 == 0 ? word : word >> 16);
    }
}
