using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Sessions;

/// <summary>Images as files named by their hash, in 256 folders. A file is written under another name and then renamed: it is there whole or not at all.</summary>
public sealed class FileImageStore : IImageStore
{
    private readonly string _folder;

    /// <summary>In this folder, which is made when it is not there.</summary>
    public FileImageStore(string folder)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
    }

    /// <inheritdoc/>
    public async Task PutAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken)
    {
        var path = PathOf(image);
        if (File.Exists(path))
        {
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            await File.WriteAllBytesAsync(temporary, file, cancellationToken).ConfigureAwait(false);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<ReadOnlyMemory<byte>?> TryGetAsync(ImageHash image, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllBytesAsync(PathOf(image), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ImageHash image, CancellationToken cancellationToken)
    {
        var path = PathOf(image);
        if (File.Exists(path))
        {
            File.Delete(path);
        }

        return Task.CompletedTask;
    }

    private string PathOf(ImageHash image) => Path.Combine(_folder, image.Hex[..2], image.Hex);
}
