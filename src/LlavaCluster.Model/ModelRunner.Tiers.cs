using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Model.KvCache;

namespace LlavaCluster.Model;

/// <summary>The runner's KV blocks as bytes, and slower memory beside them.</summary>
public sealed partial class ModelRunner
{
    private PageBytes? _pages;
    private BlockMover? _mover;

    /// <inheritdoc/>
    public IBlockMover? Mover => _mover;

    /// <inheritdoc/>
    public IBlockBytes? Bytes => _pages;

    /// <summary>
    /// Gives the KV blocks slower memory that is empty, and <see cref="Bytes"/>; on a CPU only. For a runner that outlives a formation of its
    /// replica's ranks: each has its own, slower memory as large as all of them have it, none where there is no room in host memory.
    /// </summary>
    /// <param name="room">How much.</param>
    /// <param name="folder">Folder for files, made when it is not there; null: nothing goes to the disk.</param>
    public void OpenTiers(TierRoom room, string? folder)
    {
        CloseTiers();
        _pages = _device.IsCpu ? new PageBytes(_cache) : null;
        _mover = room.Host > 0 ? new BlockMover(_pages!, room.Host, room.Disk, folder is null || room.Disk == 0 ? null : () => KvFolder.Open(folder)) : null;
    }

    /// <summary>
    /// Forgets what is there, files too. Waits for what is being copied, and lets nobody come any more who has <see cref="Bytes"/>: from now on
    /// nobody but the next step touches the KV blocks.
    /// </summary>
    public void CloseTiers()
    {
        var (mover, pages) = (_mover, _pages);
        (_mover, _pages) = (null, null);
        mover?.Dispose();
        pages?.Dispose();
    }
}
