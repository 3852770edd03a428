using LlavaCluster.Core.Moving;
using LlavaCluster.Model.Layers;

namespace LlavaCluster.Model.KvCache;

/// <summary>
/// The KV blocks of a cache in host memory as bytes: a block's keys and values, layer by layer, one after the other. Torch is not touched:
/// pages are plain memory that does not move. Others may come at any time; at the end they find the memory gone, not somebody else's.
/// </summary>
internal sealed unsafe class PageBytes : IBlockBytes, IDisposable
{
    private readonly nint[] _pages;
    private readonly long _pageBytes;
    private readonly ReaderWriterLockSlim _life = new();
    private bool _isOver;

    /// <summary>Of this cache, which must outlive it.</summary>
    public PageBytes(PagedKvCache cache)
    {
        _pages = [.. Enumerable.Range(0, cache.Layers).SelectMany(
            layer => new[] { (nint)HostMemory.Of(cache.KeyPages(layer)), (nint)HostMemory.Of(cache.ValuePages(layer)) })];
        _pageBytes = cache.PageBytes;
    }

    /// <inheritdoc/>
    public long BlockBytes => _pages.Length * _pageBytes;

    /// <inheritdoc/>
    public void Read(int block, Span<byte> to)
    {
        fixed (byte* first = Checked(to))
        {
            Enter();
            Gather(block, first);
            _life.ExitReadLock();
        }
    }

    /// <inheritdoc/>
    public void Write(int block, ReadOnlySpan<byte> from)
    {
        fixed (byte* first = Checked(from))
        {
            Enter();
            Scatter(first, block);
            _life.ExitReadLock();
        }
    }

    /// <summary>Copies a block out, for one who knows that the cache is there.</summary>
    public void Gather(int block, byte* to)
    {
        foreach (var page in _pages)
        {
            Buffer.MemoryCopy((byte*)page + (block * _pageBytes), to, _pageBytes, _pageBytes);
            to += _pageBytes;
        }
    }

    /// <summary>Overwrites a block, as <see cref="Gather"/>.</summary>
    public void Scatter(byte* from, int block)
    {
        foreach (var page in _pages)
        {
            Buffer.MemoryCopy(from, (byte*)page + (block * _pageBytes), _pageBytes, _pageBytes);
            from += _pageBytes;
        }
    }

    /// <summary>Waits for those who copy; nobody may from now on.</summary>
    public void Dispose()
    {
        _life.EnterWriteLock();
        _isOver = true;
        _life.ExitWriteLock();
    }

    private void Enter()
    {
        _life.EnterReadLock();
        if (_isOver)
        {
            _life.ExitReadLock();
            throw new ObjectDisposedException(nameof(PageBytes), "The runner has ended, and its KV with it.");
        }
    }

    private ReadOnlySpan<byte> Checked(ReadOnlySpan<byte> bytes) => bytes.Length == BlockBytes
        ? bytes
        : throw new ArgumentException($"A block has {BlockBytes:N0} bytes, not {bytes.Length:N0}.", nameof(bytes));
}
