using System.Runtime.InteropServices;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Up: the blocks that a turn needs next come back to the device before it starts. Meanwhile they, and those before them, are held here;
/// then the turn finds them in the cache like any others.
/// </summary>
public sealed partial class KvTiers
{
    /// <summary>How often a turn waits for blocks; what leaves the device again before it could start is computed.</summary>
    private const int MostPromotions = 4;

    private readonly List<Promotion> _promotions = [];

    /// <summary>Called with a sequence whose blocks have come, or cannot come.</summary>
    public Action<Sequence>? Promoted { get; set; }

    /// <summary>
    /// Begins to bring up what is below of a sequence that has room and is about to be taken up.
    /// </summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="keys">Keys of the blocks that it may share.</param>
    /// <returns>True when it should wait for <see cref="Promoted"/>; false when nothing that is worth it is below.</returns>
    public bool Promote(Sequence sequence, ReadOnlySpan<UInt128> keys)
    {
        if (sequence.Promotions >= MostPromotions)
        {
            return false;
        }

        var known = _cache.Find(keys).Known;
        if (known < keys.Length && Underway(keys[known]) is { } other)
        {
            sequence.Promotions++;
            other.Waiting.Add(sequence);
            return true;
        }

        var found = Found(keys[known..]);
        if (found.Count == 0)
        {
            return false;
        }

        var promotion = new Promotion(known, keys[..(known + found.Count)].ToArray());
        _cache.Match(keys[..known], promotion.Blocks);
        if (!_pool.TryTake(found.Count, promotion.Blocks))
        {
            Release(promotion);
            return false;
        }

        sequence.Promotions++;
        promotion.Waiting.Add(sequence);
        _promotions.Add(promotion);
        Begin(promotion, found);
        return true;
    }

    /// <summary>Where the next blocks of a chain are below, as far as they are there and worth moving.</summary>
    private List<(HostEntry? Host, DiskPlace Disk)> Found(ReadOnlySpan<UInt128> keys)
    {
        var found = new List<(HostEntry?, DiskPlace)>();
        bool? hostIsWorth = null, diskIsWorth = null;
        foreach (var key in keys)
        {
            var place = default(DiskPlace);
            var inHost = _host.TryGet(key, out var entry);
            if (_cache.TryGet(key, out _) || Underway(key) is not null || (!inHost && !_disk.TryGet(key, out place)))
            {
                break;
            }

            if (!(inHost ? hostIsWorth ??= _rule.IsWorth(_hostRate) : diskIsWorth ??= _rule.IsWorth(_diskRate)))
            {
                _notWorthMoving++;
                break;
            }

            found.Add((entry, place));
        }

        return found;
    }

    private Promotion? Underway(UInt128 key)
    {
        foreach (var promotion in _promotions)
        {
            if (promotion.Keys.AsSpan(promotion.Known).Contains(key))
            {
                return promotion;
            }
        }

        return null;
    }

    private void Begin(Promotion promotion, List<(HostEntry? Host, DiskPlace Disk)> found)
    {
        var (fromHost, fromDisk) = (new List<int>(), new List<int>());
        for (var i = 0; i < found.Count; i++)
        {
            (found[i].Host is null ? fromDisk : fromHost).Add(i);
        }

        // The end first, so that the start is what was used last.
        for (var i = found.Count - 1; i >= 0; i--)
        {
            if (found[i].Host is { } entry)
            {
                HostTier.BeginReading(entry);
                _host.Touch(entry, _now);
                promotion.Entries.Add(entry);
            }
        }

        foreach (var group in fromDisk.Select(i => found[i].Disk.Group).Distinct())
        {
            _disk.BeginReading(group);
        }

        var blocks = CollectionsMarshal.AsSpan(promotion.Blocks)[promotion.Known..].ToArray();
        if (fromHost.Count > 0)
        {
            promotion.Moves.Add((new TierMove.FromHost(
                [.. fromHost.Select(i => found[i].Host!.Slot)], [.. fromHost.Select(i => blocks[i])]), fromHost));
        }

        if (fromDisk.Count > 0)
        {
            promotion.Moves.Add((new TierMove.FromDisk(
                [.. fromDisk.Select(i => found[i].Disk)], [.. fromDisk.Select(i => blocks[i])]), fromDisk));
        }

        foreach (var (move, _) in promotion.Moves.ToArray())
        {
            _mover.Begin(move, _post);
        }
    }

    private void EndPromotion(TierMove move, TierMoveResult result)
    {
        var promotion = _promotions.Single(p => p.Moves.Any(m => ReferenceEquals(m.Move, move)));
        var at = promotion.Moves.FindIndex(m => ReferenceEquals(m.Move, move));
        var indexes = promotion.Moves[at].Indexes;
        promotion.Moves.RemoveAt(at);
        foreach (var failed in result.Failed)
        {
            promotion.Arrived = Math.Min(promotion.Arrived, indexes[failed]);
        }

        var arrived = indexes.Count - result.Failed.Count;
        if (move is TierMove.FromDisk fromDisk)
        {
            EndReading(fromDisk, result);
            _diskRate.Add(arrived * _mover.BlockBytes, result.Took);
            _fromDisk += arrived;
        }
        else
        {
            promotion.Entries.ForEach(_host.EndReading);
            _hostRate.Add(arrived * _mover.BlockBytes, result.Took);
            _fromHost += arrived;
        }

        if (promotion.Moves.Count == 0)
        {
            End(promotion);
        }
    }

    /// <summary>Groups with a block that cannot be read are not trusted any more.</summary>
    private void EndReading(TierMove.FromDisk move, TierMoveResult result)
    {
        foreach (var group in move.Places.Select(place => place.Group).Distinct())
        {
            if (_disk.EndReading(group))
            {
                Drop(group);
            }
        }

        foreach (var group in result.Failed.Select(i => move.Places[i].Group).Distinct())
        {
            if (_disk.RemoveGroup(group))
            {
                Drop(group);
            }
        }
    }

    private void End(Promotion promotion)
    {
        _promotions.Remove(promotion);
        var keys = promotion.Keys;
        for (var i = promotion.Known; i < Math.Min(keys.Length, (long)promotion.Known + promotion.Arrived); i++)
        {
            _cache.Publish(promotion.Blocks[i], keys[i], i == 0 ? default : keys[i - 1]);
        }

        Release(promotion);
        foreach (var sequence in promotion.Waiting)
        {
            Promoted?.Invoke(sequence);
        }
    }

    /// <summary>The end of a chain is left first: what is nearest to the start is worth keeping longest.</summary>
    private void Release(Promotion promotion)
    {
        for (var i = promotion.Blocks.Count - 1; i >= 0; i--)
        {
            _pool.Return(promotion.Blocks[i]);
        }
    }

    /// <summary>Blocks on their way up.</summary>
    /// <param name="known">Blocks of the chain that the device had.</param>
    /// <param name="keys">Keys of those and of the ones on their way.</param>
    private sealed class Promotion(int known, UInt128[] keys)
    {
        public int Known => known;

        public UInt128[] Keys => keys;

        /// <summary>All held here, in order of the chain.</summary>
        public List<int> Blocks { get; } = [];

        /// <summary>How many of those on their way have come without a gap, as far as is known.</summary>
        public int Arrived { get; set; } = int.MaxValue;

        /// <summary>Moves under way, each with the places of its blocks among those on their way.</summary>
        public List<(TierMove Move, IReadOnlyList<int> Indexes)> Moves { get; } = [];

        public List<HostEntry> Entries { get; } = [];

        public List<Sequence> Waiting { get; } = [];
    }
}
