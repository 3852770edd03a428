using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Sessions;

/// <summary>
/// Images as files named by their hash, in 256 folders. A file is written under another name and then renamed: it is there whole or not at
/// all. Beside it a folder has an empty file for each session that holds the image. A file's time is when the image was put last.
/// </summary>
public sealed class FileImageStore : IImageStore
{
    private const string LockName = "lock";
    private const string PartExtension = ".part";

    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _holding = new(1, 1);

    /// <summary>In this folder, which is made when it is not there.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="time">The clock that says when an image was put; null: the system's.</param>
    public FileImageStore(string folder, TimeProvider? time = null)
    {
        (_folder, _time) = (folder, time ?? TimeProvider.System);
        Directory.CreateDirectory(folder);
    }

    /// <inheritdoc/>
    public Task PutAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken) => Guarded(async () =>
    {
        var path = PathOf(image);
        if (await RenewAsync(path).ConfigureAwait(false))
        {
            return true;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.{Guid.NewGuid():N}{PartExtension}";
        try
        {
            await File.WriteAllBytesAsync(temporary, file, cancellationToken).ConfigureAwait(false);
            File.SetLastWriteTimeUtc(temporary, _time.GetUtcNow().UtcDateTime);
            File.Move(temporary, path, overwrite: true);
            return true;
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    });

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<byte>?> TryGetAsync(ImageHash image, CancellationToken cancellationToken) =>
        Guarded<ReadOnlyMemory<byte>?>(async () =>
        {
            try
            {
                return await File.ReadAllBytesAsync(PathOf(image), cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
        });

    /// <inheritdoc/>
    public Task DeleteAsync(ImageHash image, CancellationToken cancellationToken) => Locked(() => Delete(image));

    /// <inheritdoc/>
    public Task HoldAsync(ImageHash image, string session, CancellationToken cancellationToken) => Locked(() =>
    {
        var holders = HoldersOf(image);
        Directory.CreateDirectory(holders);
        File.WriteAllBytes(Path.Combine(holders, FileTurnLog.NameOf(session)), []);
    });

    /// <inheritdoc/>
    public async Task<bool> ReleaseAsync(ImageHash image, string session, bool deleteUnheld, CancellationToken cancellationToken)
    {
        var deleted = false;
        await Locked(() =>
        {
            var holders = HoldersOf(image);
            if (Directory.Exists(holders))
            {
                File.Delete(Path.Combine(holders, FileTurnLog.NameOf(session)));
                if (Directory.EnumerateFileSystemEntries(holders).Any())
                {
                    return;
                }

                Directory.Delete(holders);
            }

            if (deleteUnheld)
            {
                deleted = File.Exists(PathOf(image));
                Delete(image);
            }
        }).ConfigureAwait(false);
        return deleted;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ImageHash>> SweepAsync(DateTimeOffset putBefore, CancellationToken cancellationToken)
    {
        var old = await Guarded(() => Task.Run(
            () => new DirectoryInfo(_folder).EnumerateDirectories().SelectMany(folder => folder.EnumerateFiles())
                .Where(file => file.LastWriteTimeUtc < putBefore.UtcDateTime).ToArray(),
            cancellationToken)).ConfigureAwait(false);
        var swept = new List<ImageHash>();
        foreach (var file in old)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Locked(() => Sweep(file, putBefore, swept)).ConfigureAwait(false);
        }

        return swept;
    }

    /// <summary>Looks again, alone: it may have been put or held meanwhile.</summary>
    private void Sweep(FileInfo file, DateTimeOffset putBefore, List<ImageHash> swept)
    {
        if (file.Extension == PartExtension)
        {
            // Of a process that ended while it wrote.
            file.Delete();
        }
        else if (ImageHash.IsHash(file.Name) && File.GetLastWriteTimeUtc(file.FullName) < putBefore.UtcDateTime)
        {
            var image = new ImageHash(file.Name);
            if (!Directory.Exists(HoldersOf(image)) || !Directory.EnumerateFileSystemEntries(HoldersOf(image)).Any())
            {
                Delete(image);
                swept.Add(image);
            }
        }
    }

    /// <summary>A file that is there is as new as if it had come now.</summary>
    private async Task<bool> RenewAsync(string path)
    {
        var isThere = false;
        await Locked(() =>
        {
            isThere = File.Exists(path);
            if (isThere)
            {
                File.SetLastWriteTimeUtc(path, _time.GetUtcNow().UtcDateTime);
            }
        }).ConfigureAwait(false);
        return isThere;
    }

    private void Delete(ImageHash image)
    {
        // The bytes first: what is left of a deletion that was cut off holds nothing, and goes with the next release.
        if (File.Exists(PathOf(image)))
        {
            File.Delete(PathOf(image));
        }

        if (Directory.Exists(HoldersOf(image)))
        {
            Directory.Delete(HoldersOf(image), recursive: true);
        }
    }

    /// <summary>One at a time, in this process and in others that share the folder.</summary>
    private Task Locked(Action work) => Guarded(async () =>
    {
        await _holding.WaitAsync().ConfigureAwait(false);
        try
        {
            await using var alone = await LockedFile.OpenAsync(Path.Combine(_folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite)
                .ConfigureAwait(false);
            await Task.Run(work).ConfigureAwait(false);
            return true;
        }
        finally
        {
            _holding.Release();
        }
    });

    private static async Task<T> Guarded<T>(Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"The image cannot be read or written now: {error.Message}", error);
        }
    }

    private string PathOf(ImageHash image) => Path.Combine(_folder, image.Hex[..2], image.Hex);

    private string HoldersOf(ImageHash image) => PathOf(image) + ".holders";
}
