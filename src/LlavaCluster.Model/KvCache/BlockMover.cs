using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Model.KvCache;

/// <summary>
/// Copies KV blocks between pages in host memory, a second part of host memory, and files. Two threads: one brings up, since somebody
/// waits for it; one takes down, at the lowest priority. Neither touches torch: pages are plain memory that does not move. While a block
/// is copied down the engine may overwrite it; whoever asked throws such a copy away.
/// </summary>
internal sealed unsafe class BlockMover : IBlockMover, IDisposable
{
    private readonly PageBytes _pages;
    private readonly byte* _slots;
    private readonly byte* _read;
    private readonly Func<KvFolder>? _open;
    private readonly BlockingCollection<(TierMove Move, Action<TierMove, TierMoveResult> Done)> _down = [], _up = [];
    private readonly Thread[] _threads;
    private volatile KvFolder? _folder;
    private volatile bool _stopping;

    /// <summary>Reserves the slots; their pages cost no memory before they are used.</summary>
    /// <param name="pages">The device's blocks, in host memory. Must outlive the mover.</param>
    /// <param name="hostSlots">Slots, at least 1.</param>
    /// <param name="diskBlocks">Blocks on the disk; 0: none.</param>
    /// <param name="open">
    /// Opens where files go, if any do; disposed with the mover. A disk that cannot be written keeps nobody from computing: it is tried again
    /// with every group, and each that fails says so.
    /// </param>
    public BlockMover(PageBytes pages, int hostSlots, int diskBlocks, Func<KvFolder>? open)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hostSlots, 1);
        (HostSlots, DiskBlocks, _open) = (hostSlots, open is null ? 0 : diskBlocks, open);
        _folder = TryOpen();
        _pages = pages;
        _slots = (byte*)NativeMemory.AlignedAlloc((nuint)(BlockBytes * hostSlots), 64);
        _read = (byte*)NativeMemory.AlignedAlloc((nuint)BlockBytes, 64);
        _threads =
        [
            new Thread(() => Work(_up)) { IsBackground = true, Name = "kv up" },
            new Thread(() =>
            {
                LowPriority.Take();
                Work(_down);
            }) { IsBackground = true, Name = "kv down" },
        ];
        Array.ForEach(_threads, thread => thread.Start());
    }

    /// <inheritdoc/>
    public long BlockBytes => _pages.BlockBytes;

    /// <inheritdoc/>
    public int HostSlots { get; }

    /// <inheritdoc/>
    public int DiskBlocks { get; }

    /// <inheritdoc/>
    public void Begin(TierMove move, Action<TierMove, TierMoveResult> done) =>
        (move is TierMove.FromHost or TierMove.FromDisk ? _up : _down).Add((move, done));

    /// <summary>Ends the threads, gives the memory back, removes the files. What is under way is left undone, and nobody is told.</summary>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        _up.CompleteAdding();
        _down.CompleteAdding();
        Array.ForEach(_threads, thread => thread.Join());
        NativeMemory.AlignedFree(_slots);
        NativeMemory.AlignedFree(_read);
        _folder?.Dispose();
        _up.Dispose();
        _down.Dispose();
    }

    private void Work(BlockingCollection<(TierMove Move, Action<TierMove, TierMoveResult> Done)> moves)
    {
        foreach (var (move, done) in moves.GetConsumingEnumerable())
        {
            if (_stopping)
            {
                return;
            }

            var began = TimeProvider.System.GetTimestamp();
            var (failed, error) = (new List<int>(), (Exception?)null);
            try
            {
                error = Do(move, failed);
            }
            catch (Exception thrown)
            {
                (failed, error) = ([.. Enumerable.Range(0, move.Count)], thrown);
            }

            if (_stopping)
            {
                // Some of it may be undone.
                return;
            }

            done(move, new TierMoveResult(failed, TimeProvider.System.GetElapsedTime(began), error));
        }
    }

    /// <summary>Does a move.</summary>
    /// <returns>Why the blocks in <paramref name="failed"/> did not arrive.</returns>
    private Exception? Do(TierMove move, List<int> failed)
    {
        switch (move)
        {
            case TierMove.ToHost toHost:
                for (var i = 0; i < toHost.Blocks.Count && !_stopping; i++)
                {
                    _pages.Gather(toHost.Blocks[i], Slot(toHost.Slots[i]));
                }

                return null;
            case TierMove.FromHost fromHost:
                for (var i = 0; i < fromHost.Blocks.Count && !_stopping; i++)
                {
                    _pages.Scatter(Slot(fromHost.Slots[i]), fromHost.Blocks[i]);
                }

                return null;
            case TierMove.ToDisk toDisk:
                (_folder ??= _open!()).Write(toDisk.Group, toDisk.Slots.Count, BlockBytes, i => _stopping
                    ? throw new OperationCanceledException("The mover is ended.")
                    : (nint)Slot(toDisk.Slots[i]));
                return null;
            case TierMove.FromDisk fromDisk:
                return Read(fromDisk, failed);
            case TierMove.Drop drop:
                _folder?.Remove(drop.Group);
                return null;
            default:
                throw new InvalidOperationException($"There is no way to do {move.GetType().Name}.");
        }
    }

    private Exception? Read(TierMove.FromDisk move, List<int> failed)
    {
        Exception? first = null;
        for (var i = 0; i < move.Blocks.Count && !_stopping; i++)
        {
            try
            {
                _folder!.Read(move.Places[i], new Span<byte>(_read, checked((int)BlockBytes)));
                _pages.Scatter(_read, move.Blocks[i]);
            }
            catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                failed.Add(i);
                first ??= error;
            }
        }

        return first;
    }

    private KvFolder? TryOpen()
    {
        try
        {
            return _open?.Invoke();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private byte* Slot(int slot) => _slots + (slot * BlockBytes);
}
