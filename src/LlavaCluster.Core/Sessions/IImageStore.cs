using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Sessions;

/// <summary>Image bytes by their hash. Any thread.</summary>
public interface IImageStore
{
    /// <summary>Keeps the bytes; nothing happens when they are there already.</summary>
    Task PutAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken);

    /// <summary>The bytes, or null when no such image is kept.</summary>
    Task<ReadOnlyMemory<byte>?> TryGetAsync(ImageHash image, CancellationToken cancellationToken);

    /// <summary>Forgets an image; nothing happens when it is not there.</summary>
    Task DeleteAsync(ImageHash image, CancellationToken cancellationToken);
}
