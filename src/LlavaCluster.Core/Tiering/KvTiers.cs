using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Where the content of KV blocks is beside the device: in host memory, on disk. Blocks that nobody holds are copied down when they have
/// been idle for long, or are among the next that will be taken for something else; the copy on the device stays until its memory is needed. A
/// turn that finds its blocks below gets them back before it starts, where that is faster than computing them. Decides only: the mover
/// copies, beside the steps, and nobody waits for a copy but the turn that wants it. No clock of its own. Engine thread only, but for
/// <see cref="Counts"/>.
/// </summary>
public sealed partial class KvTiers
{
    private readonly BlockPool _pool;
    private readonly PrefixCache _cache;
    private readonly IBlockMover _mover;
    private readonly KvTierOptions _options;
    private readonly Action<TierMove, TierMoveResult> _post;
    private readonly HostTier _host;
    private readonly DiskTier _disk;
    private readonly MoveRule _rule;
    private readonly MeasuredRate _hostRate = new();
    private readonly MeasuredRate _diskRate = new();
    private long _toHost, _toDisk, _fromHost, _fromDisk, _notWorthMoving, _lost;
    private TimeSpan _now;
    private TierCounts _counts = new();

    /// <summary>Nothing is below yet.</summary>
    /// <param name="pool">The device's blocks.</param>
    /// <param name="cache">The cache of that pool.</param>
    /// <param name="mover">Copies.</param>
    /// <param name="blockTokens">Positions of a block.</param>
    /// <param name="options">When.</param>
    /// <param name="post">Brings what came of a move to the engine's thread, which calls <see cref="Done"/>; any thread.</param>
    public KvTiers(
        BlockPool pool, PrefixCache cache, IBlockMover mover, int blockTokens, KvTierOptions options, Action<TierMove, TierMoveResult> post)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.GroupBlocks, 1);
        (_pool, _cache, _mover, _options, _post) = (pool, cache, mover, options, post);
        _idle = new IdleBlocks(pool.Total);
        _host = new HostTier(mover.HostSlots);
        _disk = new DiskTier(mover.DiskBlocks) { Removed = OnGoneFromDisk };
        _rule = new MoveRule(mover.BlockBytes, blockTokens);
        _devicePressure = Math.Min(mover.HostSlots, Math.Clamp(pool.Total / 4, 1, MostPressed));
        // No more than the tier below can hold: else what was saved would push out what was saved before, for ever.
        _hostPressure = Math.Min(mover.DiskBlocks, Math.Min(mover.HostSlots, Math.Max(options.GroupBlocks, mover.HostSlots / 4)));
        (pool.Left, pool.Rejoined, cache.Lost) = (OnLeft, _idle.Remove, OnLost);
    }

    /// <summary>Called with the error of a move that failed; the turn that wanted the blocks computes them.</summary>
    public Action<TierMove, Exception>? Failed { get; set; }

    /// <summary>Blocks are on their way from one tier to another.</summary>
    internal bool IsMoving => _movingToHost || _movingToDisk || _promotions.Count > 0;

    /// <summary>Where blocks are. Any thread.</summary>
    public TierCounts Counts => Volatile.Read(ref _counts);

    /// <summary>Begins the moves that are due. To be called once per step, and when <see cref="NextDue"/> has come.</summary>
    /// <param name="now">Time since some moment; never less than before.</param>
    public void Advance(TimeSpan now)
    {
        _now = now;
        // In this order: what is on the disk may leave host memory.
        MoveToDisk();
        MoveToHost();
    }

    /// <summary>When <see cref="Advance"/> would begin a move if nothing else happens; null: never.</summary>
    public TimeSpan? NextDue()
    {
        TimeSpan? toHost = null;
        if (!_movingToHost && _idle.Oldest is { } block && (_host.FreeSlots > 0 || CanPass))
        {
            var idle = _host.FreeSlots > 0 || _options.DiskAfter < _options.HostAfter ? _options.HostAfter : _options.DiskAfter;
            toHost = _idle.Since(block) + idle;
        }

        TimeSpan? toDisk = null;
        if (!_movingToDisk && _host.UnsavedByAge.FirstOrDefault() is { } entry && _disk.Room > 0)
        {
            toDisk = entry.Since + _options.DiskAfter;
            toDisk = toDisk < _diskRetry ? _diskRetry : toDisk;
        }

        return toHost is null || toDisk < toHost ? toDisk : toHost;
    }

    /// <summary>A step computed so many tokens of prompts in this time.</summary>
    public void NotePrefill(int tokens, TimeSpan took) => _rule.Prefill.Add(tokens, took);

    /// <summary>A move has ended.</summary>
    /// <param name="move">The move.</param>
    /// <param name="result">What came of it.</param>
    /// <param name="now">Time.</param>
    public void Done(TierMove move, TierMoveResult result, TimeSpan now)
    {
        _now = now;
        switch (move)
        {
            case TierMove.ToHost toHost:
                EndToHost(toHost, result);
                break;
            case TierMove.ToDisk toDisk:
                EndToDisk(toDisk, result);
                break;
            case TierMove.FromHost or TierMove.FromDisk:
                EndPromotion(move, result);
                break;
        }

        if (result.Error is { } error)
        {
            Failed?.Invoke(move, error);
        }

        NoteCounts();
    }

    /// <summary>Forgets the blocks of a chain, in all tiers, that nobody holds and no other known chain goes through.</summary>
    /// <param name="keys">The chain, from its start.</param>
    /// <returns>Blocks forgotten.</returns>
    public int Forget(ReadOnlySpan<UInt128> keys)
    {
        var all = _cache.Keys.Concat(_host.Entries.Select(entry => (entry.Key, entry.Parent))).Concat(_disk.Keys);
        var forgotten = ChainEnd.Forget(keys, all, Forget);
        NoteCounts();
        return forgotten;
    }

    /// <summary>Blocks that are held here, since they are on their way up or stand before such.</summary>
    internal IEnumerable<int> Held => _promotions.SelectMany(promotion => promotion.Blocks);

    private bool Forget(UInt128 key)
    {
        var onDevice = _cache.TryGet(key, out var block);
        if (Underway(key) is not null || (onDevice && _pool.ReferencesOf(block) > 0))
        {
            return false;
        }

        // From below first, so that the device's block is not taken for one that was lost.
        Drop(_disk.Remove(key));
        if (_host.TryGet(key, out var entry))
        {
            _host.Remove(entry);
        }

        if (onDevice)
        {
            _forgetting = true;
            _cache.Remove(block);
            _forgetting = false;
        }

        return true;
    }

    /// <summary>A block is in slower memory.</summary>
    internal bool IsSaved(UInt128 key) => _host.Contains(key) || _disk.Contains(key);

    private void Drop(long? group)
    {
        if (group is { } number)
        {
            _mover.Begin(new TierMove.Drop(number), _post);
        }
    }

    private void NoteCounts() => Volatile.Write(ref _counts, new TierCounts
    {
        ToHost = _toHost,
        ToDisk = _toDisk,
        FromHost = _fromHost,
        FromDisk = _fromDisk,
        NotWorthMoving = _notWorthMoving,
        Lost = _lost,
        Device = _cache.Count,
        Host = _host.Count,
        Disk = _disk.Count,
        HostRate = _hostRate.PerSecond,
        DiskRate = _diskRate.PerSecond,
        PrefillRate = _rule.Prefill.PerSecond,
    });
}
