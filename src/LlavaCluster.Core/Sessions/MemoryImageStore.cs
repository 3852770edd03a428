using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Sessions;

/// <summary>Images that end with the process. For tests and for runs that keep nothing.</summary>
/// <param name="time">The clock that says when an image was put; null: the system's.</param>
public sealed class MemoryImageStore(TimeProvider? time = null) : IImageStore
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _gate = new();
    private readonly Dictionary<ImageHash, (byte[] File, DateTimeOffset PutAt)> _files = [];
    private readonly Dictionary<ImageHash, HashSet<string>> _holders = [];

    /// <inheritdoc/>
    public Task PutAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _files[image] = (_files.TryGetValue(image, out var kept) ? kept.File : file.ToArray(), _time.GetUtcNow());
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<byte>?> TryGetAsync(ImageHash image, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return Task.FromResult(_files.TryGetValue(image, out var kept) ? (ReadOnlyMemory<byte>?)kept.File : null);
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ImageHash image, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _files.Remove(image);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task HoldAsync(ImageHash image, string session, CancellationToken cancellationToken)
    {
        lock (_gate)
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
    public Task<bool> ReleaseAsync(ImageHash image, string session, bool deleteUnheld, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_holders.TryGetValue(image, out var holders))
            {
                holders.Remove(session);
            }

            if (holders is { Count: > 0 })
            {
                return Task.FromResult(false);
            }

            _holders.Remove(image);
            return Task.FromResult(deleteUnheld && _files.Remove(image));
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ImageHash>> SweepAsync(DateTimeOffset putBefore, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ImageHash[] swept = [.. _files.Where(file => file.Value.PutAt < putBefore && !_holders.ContainsKey(file.Key)).Select(file => file.Key)];
            foreach (var image in swept)
            {
                _files.Remove(image);
            }

            return Task.FromResult<IReadOnlyList<ImageHash>>(swept);
        }
    }
}
