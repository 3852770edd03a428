using System.Runtime.InteropServices;

namespace LlavaCluster.Model.Weights;

/// <summary>
/// Asks for 2 MB pages for memory that is about to be filled: a 500th of the page faults while loading, and fewer misses of the
/// address cache while computing.
/// </summary>
internal static unsafe partial class HugePages
{
    private const nuint PageSize = 2 << 20;
    private const int AdviseHugePage = 14;

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
