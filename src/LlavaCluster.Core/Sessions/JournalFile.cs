using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LlavaCluster.Core.Sessions;

/// <summary>
/// A file of a journal, which one process has for itself as long as it writes there. It gets its length at the start, filled with zeros: to
/// write into it then changes nothing of the file but its bytes, and these alone have to reach the disk. One thread.
/// </summary>
internal sealed partial class JournalFile : IDisposable
{
    /// <summary>What its name ends with.</summary>
    public const string Extension = ".journal";

    /// <summary>What its name ends with until it can be used.</summary>
    public const string NewExtension = ".journal-new";

    private readonly FileStream _file;
    private readonly HashSet<string> _paths = [];
    private readonly long _size;
    private long _position;

    private JournalFile(FileStream file, string path, long size) => (_file, Path, _size) = (file, path, size);

    /// <summary>The start of the machine that a journal is of.</summary>
    public static string BootOf(string path) => System.IO.Path.GetFileName(path).Split('_')[0];

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <summary>Makes one.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="size">Bytes that it is good for.</param>
    /// <param name="boot">Name of the time since the machine was started.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static JournalFile Create(string folder, long size, string boot)
    {
        var path = System.IO.Path.Combine(folder, $"{boot}_{Guid.NewGuid():N}");
        var file = new FileStream(path + NewExtension, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = 0,
            PreallocationSize = size, // on a disk that is too full it fails before it takes what is left
        });
        try
        {
            for (var zeros = new byte[Math.Min(size, 1 << 16)]; file.Position < size;)
            {
                file.Write(zeros);
            }

            // One that has a journal's name is whole.
            file.Flush(flushToDisk: true);
            File.Move(path + NewExtension, path + Extension);
            return new JournalFile(file, path + Extension, size);
        }
        catch
        {
            file.Dispose();
            File.Delete(path + NewExtension);
            throw;
        }
    }

    /// <summary>Whether so many bytes can be written; true for any number when nothing is there yet.</summary>
    public bool HasRoom(long bytes) => _paths.Count == 0 || _position + bytes <= _size;

    /// <summary>Writes bytes; they are on the disk when this returns.</summary>
    /// <param name="bytes">Whole records.</param>
    /// <param name="paths">The sessions' files whose entries they are.</param>
    /// <exception cref="IOException">They may be there or not; nothing may be written behind them.</exception>
    public void Write(ReadOnlySpan<byte> bytes, IEnumerable<string> paths)
    {
        _paths.UnionWith(paths);
        RandomAccess.Write(_file.SafeFileHandle, bytes, _position);
        Sync(_file.SafeFileHandle);
        _position += bytes.Length;
    }

    /// <summary>Brings the sessions' files themselves to the disk and removes this one, which is then of no more use.</summary>
    /// <exception cref="IOException">One of them cannot be brought there; this one stays.</exception>
    public void Retire()
    {
        foreach (var path in _paths)
        {
            SyncFile(path);
        }

        File.Delete(Path);
        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>Brings a file to the disk; nothing happens when it is not there.</summary>
    /// <exception cref="IOException">It cannot be brought there, or stayed in use.</exception>
    public static void SyncFile(string path)
    {
        try
        {
            // Its thread has nothing else to do.
            using var file = LockedFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite).GetAwaiter().GetResult();
            file.Flush(flushToDisk: true);
        }
        catch (FileNotFoundException)
        {
            // Deleted meanwhile.
        }
    }

    /// <summary>The bytes and what is needed to read them, not the time of the last change: that would be a second write, elsewhere.</summary>
    private static void Sync(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(file);
        }
        else if (fdatasync(file) != 0)
        {
            throw new IOException($"The disk did not take what was written: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(SafeFileHandle file);
}
