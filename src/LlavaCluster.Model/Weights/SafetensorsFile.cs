using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LlavaCluster.Model.Weights;

/// <summary>
/// A safetensors file, memory-mapped a window at a time: what has been copied is unmapped at once, so the resident memory of a
/// load is that of the weights and a few windows. Offsets have 64 bits. One thread; it copies with several inside.
/// </summary>
internal sealed unsafe partial class SafetensorsFile : IDisposable
{
    /// <summary>Bytes that are mapped at once by each copying thread.</summary>
    private const long Window = 16 << 20;

    /// <summary>More threads than this do not copy faster.</summary>
    private const int MostThreads = 8;

    private const int AdviseWillNeed = 3;

    /// <summary>The kernel cuts a longer advice to the device's read-ahead, and forgets the rest.</summary>
    private const long AdviseStep = 512 << 10;

    private readonly SafeFileHandle _handle;
    private readonly MemoryMappedFile _map;

    /// <summary>Opens the file.</summary>
    public SafetensorsFile(string path)
    {
        _handle = File.OpenHandle(path);
        _map = MemoryMappedFile.CreateFromFile(
            _handle, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
    }

    /// <summary>Asks the kernel to fetch a slice, without waiting for it. Advice: it may do nothing.</summary>
    public void Advise(SliceRuns runs)
    {
        var end = runs.Length == 0 ? 0 : runs.Place(runs.Length - 1) + 1;
        for (var start = runs.First; start < end; start += AdviseStep)
        {
            _ = posix_fadvise(_handle, start, Math.Min(AdviseStep, end - start), AdviseWillNeed);
        }
    }

    /// <summary>Copies a part of a slice.</summary>
    /// <param name="runs">The slice.</param>
    /// <param name="start">First byte of the slice to copy.</param>
    /// <param name="destination">Memory for <paramref name="length"/> bytes.</param>
    /// <param name="length">Bytes to copy.</param>
    public void Copy(SliceRuns runs, long start, byte* destination, long length)
    {
        if (length == 0)
        {
            return;
        }

        var step = Math.Max(1, (long)(Window * ((double)runs.Run / runs.Stride)));
        var target = (nint)destination;
        var windows = (length + step - 1) / step;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, MostThreads) };
        Parallel.For(0, windows, options, n =>
        {
            var first = n * step;
            CopyWindow(runs, start + first, (byte*)target + first, Math.Min(step, length - first));
        });
    }

    public void Dispose()
    {
        _map.Dispose();
        _handle.Dispose();
    }

    private void CopyWindow(SliceRuns runs, long start, byte* destination, long length)
    {
        var from = runs.Place(start);
        var size = runs.Place(start + length - 1) + 1 - from;
        using var view = _map.CreateViewAccessor(from, size, MemoryMappedFileAccess.Read);
        byte* mapped = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref mapped);
        try
        {
            var source = mapped + view.PointerOffset;
            for (long done = 0; done < length;)
            {
                var position = start + done;
                var piece = Math.Min(runs.Run - (position % runs.Run), length - done);
                Buffer.MemoryCopy(source + (runs.Place(position) - from), destination + done, length - done, piece);
                done += piece;
            }
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    [LibraryImport("libc")]
    private static partial int posix_fadvise(SafeFileHandle file, long offset, long length, int advice);
}
