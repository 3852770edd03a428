using System.Runtime.InteropServices;

namespace LlavaCluster.Model.KvCache;

/// <summary>Makes the calling thread the last to get a processor. Linux gives every thread a nice value of its own.</summary>
internal static partial class LowPriority
{
    private const int OfThread = 0, ThisOne = 0, Nicest = 19;

    /// <summary>From now on; a system that does not let us changes nothing.</summary>
    public static void Take() => _ = setpriority(OfThread, ThisOne, Nicest);

    [LibraryImport("libc")]
    private static partial int setpriority(int which, int who, int nice);
}
