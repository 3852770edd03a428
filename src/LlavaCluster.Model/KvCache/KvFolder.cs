using System.Collections.Concurrent;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Model.KvCache;

/// <summary>
/// Files of KV blocks, one per group, with a checksum for each block. They are worth nothing to another process, so a folder lives as
/// long as its owner: a locked file beside it says that there is one, and whoever opens the next removes those of owners that are gone.
/// One thread writes and removes, another reads.
/// </summary>
internal sealed class KvFolder : IDisposable
{
    private const string LockSuffix = ".lock";

    /// <summary>Another process may be cleaning up when a lock is made, and take it.</summary>
    private const int Attempts = 5;

    private readonly string _path;
    private readonly FileStream _lock;
    private readonly ConcurrentDictionary<long, UInt128[]> _sums = new();

    private KvFolder(string path, FileStream owner) => (_path, _lock) = (path, owner);

    /// <summary>A new, empty folder; those that were left behind are removed.</summary>
    /// <param name="root">Folder of such folders; made when it is not there.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static KvFolder Open(string root)
    {
        Directory.CreateDirectory(root);
        foreach (var left in Directory.EnumerateFiles(root, "*" + LockSuffix))
        {
            RemoveIfLeft(left);
        }

        for (var attempt = 1; ; attempt++)
        {
            var path = Path.Combine(root, Guid.NewGuid().ToString("N"));
            try
            {
                var owner = new FileStream(path + LockSuffix, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
                Directory.CreateDirectory(path);
                return new KvFolder(path, owner);
            }
            catch (IOException) when (attempt < Attempts)
            {
            }
        }
    }

    /// <summary>Writes a group; on failure nothing of it is left.</summary>
    /// <param name="group">Its number, new.</param>
    /// <param name="count">Blocks.</param>
    /// <param name="blockBytes">Bytes of each.</param>
    /// <param name="block">Address of each.</param>
    /// <exception cref="IOException">The disk is full, or cannot be written.</exception>
    public unsafe void Write(long group, int count, long blockBytes, Func<int, nint> block)
    {
        var sums = new UInt128[count];
        try
        {
            // All of the room is taken first: a full disk is known before anything is written.
            using var file = File.OpenHandle(
                FileOf(group), FileMode.Create, FileAccess.Write, FileShare.Read, preallocationSize: count * blockBytes);
            for (var i = 0; i < count; i++)
            {
                var bytes = new ReadOnlySpan<byte>((void*)block(i), checked((int)blockBytes));
                sums[i] = BlockSum.Of(bytes);
                RandomAccess.Write(file, bytes, i * blockBytes);
            }
        }
        catch
        {
            File.Delete(FileOf(group));
            throw;
        }

        _sums[group] = sums;
    }

    /// <summary>Reads a block.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is not what was written.</exception>
    public void Read(DiskPlace place, Span<byte> to)
    {
        var path = FileOf(place.Group);
        using var file = File.OpenHandle(path);
        var (offset, read) = ((long)place.Index * to.Length, 0);
        while (read < to.Length && RandomAccess.Read(file, to[read..], offset + read) is > 0 and var part)
        {
            read += part;
        }

        if (read < to.Length)
        {
            throw new InvalidDataException($"{path}: block {place.Index} ends after {read} of {to.Length} bytes.");
        }

        if (!_sums.TryGetValue(place.Group, out var sums) || sums[place.Index] != BlockSum.Of(to))
        {
            throw new InvalidDataException($"{path}: block {place.Index} is damaged (the checksum differs).");
        }
    }

    /// <summary>Removes a group; nothing happens when it is not there.</summary>
    public void Remove(long group)
    {
        _sums.TryRemove(group, out _);
        File.Delete(FileOf(group));
    }

    /// <summary>Removes everything.</summary>
    public void Dispose()
    {
        RemoveFolder(_path);
        File.Delete(_path + LockSuffix);
        _lock.Dispose();
    }

    private static void RemoveIfLeft(string lockFile)
    {
        try
        {
            using var mine = new FileStream(lockFile, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            RemoveFolder(lockFile[..^LockSuffix.Length]);
            File.Delete(lockFile);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Its owner lives, or another process removes it at this moment.
        }
    }

    private static void RemoveFolder(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private string FileOf(long group) => Path.Combine(_path, $"{group}.kv");
}
