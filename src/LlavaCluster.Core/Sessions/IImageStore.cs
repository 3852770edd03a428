using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Sessions;

/// <summary>
/// Image bytes by their hash, and which sessions hold each: a session holds an image before its log names it, and releases it when it is
/// deleted. Any thread. Every method throws <see cref="StoreUnavailableException"/> when the store cannot be reached.
/// </summary>
public interface IImageStore
{
    /// <summary>Keeps the bytes; when they are there already they only count as put now.</summary>
    Task PutAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken);

    /// <summary>The bytes, or null when no such image is kept.</summary>
    Task<ReadOnlyMemory<byte>?> TryGetAsync(ImageHash image, CancellationToken cancellationToken);

    /// <summary>Forgets an image; nothing happens when it is not there.</summary>
    Task DeleteAsync(ImageHash image, CancellationToken cancellationToken);

    /// <summary>Notes that a session needs the image, whose bytes need not be there yet; nothing happens when that is noted already.</summary>
    Task HoldAsync(ImageHash image, string session, CancellationToken cancellationToken);

    /// <summary>A session needs the image no longer.</summary>
    /// <param name="image">The image.</param>
    /// <param name="session">The session.</param>
    /// <param name="deleteUnheld">Delete the bytes when no other session holds them.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>True when bytes were deleted.</returns>
    Task<bool> ReleaseAsync(ImageHash image, string session, bool deleteUnheld, CancellationToken cancellationToken);

    /// <summary>Deletes the images that no session holds and that were put, for the last time, before this.</summary>
    /// <returns>Those that are gone now.</returns>
    Task<IReadOnlyList<ImageHash>> SweepAsync(DateTimeOffset putBefore, CancellationToken cancellationToken);
}
