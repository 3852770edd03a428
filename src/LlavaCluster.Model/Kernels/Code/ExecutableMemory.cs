using System.Runtime.InteropServices;

namespace LlavaCluster.Model.Kernels.Code;

/// <summary>Machine code that can be called. Written once, then never again; lives as long as the process.</summary>
internal static unsafe partial class ExecutableMemory
{
    private const int Read = 1, Write = 2, Execute = 4, Private = 2, Anonymous = 32;

    /// <summary>Takes code over.</summary>
    /// <returns>Its first byte; null where the system lets nobody run code that was not in a file.</returns>
    public static byte* TryPlace(ReadOnlySpan<byte> code)
    {
        var memory = mmap(null, (nuint)code.Length, Read | Write, Private | Anonymous, -1, 0);
        if ((nint)memory == -1)
        {
            return null;
        }

        code.CopyTo(new Span<byte>(memory, code.Length));
        return mprotect(memory, (nuint)code.Length, Read | Execute) == 0 ? memory : null;
    }

    [LibraryImport("libc")]
    private static partial byte* mmap(byte* address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc")]
    private static partial int mprotect(byte* address, nuint length, int protection);
}
