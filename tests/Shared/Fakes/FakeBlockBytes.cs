using System.Runtime.InteropServices;
using LlavaCluster.Core.Moving;

namespace LlavaCluster.Tests.Fakes;

/// <summary>The blocks of a fake runner as bytes: position and state of each place.</summary>
internal sealed class FakeBlockBytes(FakeModelRunner runner) : IBlockBytes
{
    private const int PlaceBytes = 16;

    public long BlockBytes => runner.Capacity.BlockTokens * PlaceBytes;

    public void Read(int block, Span<byte> to)
    {
        var places = MemoryMarshal.Cast<byte, ulong>(to);
        var cells = runner.Block(block);
        for (var i = 0; i < cells.Length; i++)
        {
            (places[2 * i], places[(2 * i) + 1]) = ((ulong)cells[i].Position, cells[i].State);
        }
    }

    public void Write(int block, ReadOnlySpan<byte> from)
    {
        var places = MemoryMarshal.Cast<byte, ulong>(from);
        var cells = runner.Block(block);
        for (var i = 0; i < cells.Length; i++)
        {
            cells[i] = ((int)places[2 * i], places[(2 * i) + 1]);
        }
    }
}
