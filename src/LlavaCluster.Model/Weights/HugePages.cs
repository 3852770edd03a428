using System.Runtime.InteropServices;
using LlavaCluster.Model.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Weights;

/// <summary>
/// Asks for 2 MB pages for memory that is about to be filled: a 500th of the page faults while loading, and fewer misses of the
/// address cache while computing.
/// </summary>
internal static unsafe partial class HugePages
{
    private const nuint PageSize = 2 << 20;
    private const int AdviseHugePage = 14;

    /// <summary>Memory for a large tensor, on whole pages but for its end. Small ones, and those of other devices, are as torch makes them.</summary>
    public static Tensor Empty(long[] shape, ScalarType type, Device device)
    {
        var count = shape.Aggregate(1L, (product, size) => product * size);
        var size = type == ScalarType.Float32 ? sizeof(float) : sizeof(ushort);
        if (device.type != DeviceType.CPU || (ulong)(count * size) < PageSize)
        {
            return empty(shape, dtype: type, device: device);
        }

        // What lies before the first whole page is never touched, so it takes no memory.
        using var scope = NewDisposeScope();
        var memory = empty(count + ((long)PageSize / size), dtype: type);
        var start = (nuint)HostMemory.Of(memory);
        var skipped = (((start + PageSize - 1) / PageSize * PageSize) - start) / (nuint)size;
        var tensor = memory.narrow(0, (long)skipped, count);
        Advise(HostMemory.Of(tensor), count * size);
        return tensor.view(shape).MoveToOuterDisposeScope();
    }

    /// <summary>Advises the whole pages inside the memory. Hosts that have none ignore it.</summary>
    public static void Advise(byte* memory, long length)
    {
        var start = ((nuint)memory + PageSize - 1) / PageSize * PageSize;
        var end = ((nuint)memory + (nuint)length) / PageSize * PageSize;
        if (start < end)
        {
            _ = madvise(start, end - start, AdviseHugePage);
        }
    }

    [LibraryImport("libc")]
    private static partial int madvise(nuint address, nuint length, int advice);
}
