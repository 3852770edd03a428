using System.Collections.Concurrent;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Sessions;

/// <summary>Images that end with the process. For tests and for runs that keep nothing.</summary>
public sealed class MemoryImageStore : IImageStore
{
    private readonly ConcurrentDictionary<ImageHash, byte[]> _files = new();
    private readonly Dictionary<ImageHash, HashSet<string>> _holders = [];

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

    /// <inheritdoc/>
    public Task HoldAsync(ImageHash image, string session, CancellationToken cancellationToken)
    {
        lock (_holders)
        {
            if (!_holders.TryGetValue(image, out var holders))
            {
                _holders.Add(image, holders = []);
            }

            holders.Add(session);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task ReleaseAsync(ImageHash image, string session, bool deleteUnheld, CancellationToken cancellationToken)
    {
        lock (_holders)
        {
            if (_holders.TryGetValue(image, out var holders))
            {
                holders.Remove(session);
            }

            if (holders is not { Count: > 0 })
            {
                _holders.Remove(image);
                if (deleteUnheld)
                {
                    _files.TryRemove(image, out _);
                }
            }
        }

        return Task.CompletedTask;
    }
}
