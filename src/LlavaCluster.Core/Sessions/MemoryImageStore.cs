using System.Collections.Concurrent;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Sessions;

/// <summary>Images that end with the process. For tests and for runs that keep nothing.</summary>
public sealed class MemoryImageStore : IImageStore
{
    private readonly ConcurrentDictionary<ImageHash, byte[]> _files = new();

    /// <inheritdoc/>
    public Task PutAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken)
    {
        _files.TryAdd(image, file.ToArray());
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<byte>?> TryGetAsync(ImageHash image, CancellationToken cancellationToken) =>
        Task.FromResult(_files.TryGetValue(image, out var file) ? (ReadOnlyMemory<byte>?)file : null);

    /// <inheritdoc/>
    public Task DeleteAsync(ImageHash image, CancellationToken cancellationToken)
    {
        _files.TryRemove(image, out _);
        return Task.CompletedTask;
    }
}
