namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Down: from the device to host memory, from there to the disk. One move of each kind at a time. Idle blocks go only where there is
/// room: with host memory full, through a few slots of it to the disk. Under pressure the least recently used below make room, so that
/// what is kept is what was used last.
/// </summary>
public sealed partial class KvTiers
{
    /// <summary>Blocks that are looked at, at most, in the order in which they will be taken.</summary>
    private const int MostPressed = 1024;

    private readonly IdleBlocks _idle;
    private readonly List<int> _chosen = [];
    private readonly List<int> _slots = [];
    private readonly HashSet<int> _passing = [];
    private readonly Dictionary<int, (UInt128 Key, UInt128 Parent)> _leaving = [];
    private readonly int _devicePressure;
    private readonly int _hostPressure;
    private HostEntry[] _writing = [];
    private TimeSpan _diskRetry;
    private long _group;
    private long _looked = -1;
    private bool _movingToHost;
    private bool _movingToDisk;
    private bool _diskIsFull;
    private bool _forgetting;

    private bool IsDiskUsable => _mover.DiskBlocks > 0 && _now >= _diskRetry;

    /// <summary>Blocks may go to the disk through slots whose content is there already.</summary>
    private bool CanPass => IsDiskUsable && _disk.Room > 0 && _host.Count > _host.Unsaved;

    /// <summary>A known block was left by its last holder.</summary>
    private void OnLeft(int block)
    {
        if (_cache.TryGetKey(block, out var key) && !IsSaved(key.Key) && !_leaving.ContainsKey(block))
        {
            _idle.Add(block, _now);
        }
    }

    /// <summary>A block is about to be overwritten: what is being copied of it cannot be trusted.</summary>
    private void OnLost(int block, UInt128 key)
    {
        _idle.Remove(block);
        _leaving.Remove(block);
        if (!_forgetting && !IsSaved(key))
        {
            _lost++;
        }
    }

    private void OnGoneFromDisk(UInt128 key)
    {
        if (_host.TryGet(key, out var entry))
        {
            _host.SetSaved(entry, false);
        }
        else
        {
            OnGoneFromBelow(key);
        }
    }

    /// <summary>The device may have the only copy now.</summary>
    private void OnGoneFromBelow(UInt128 key)
    {
        if (_cache.TryGet(key, out var block) && _pool.ReferencesOf(block) == 0)
        {
            _idle.Add(block, _now);
        }
    }

    private void MoveToHost()
    {
        if (_movingToHost || _idle.Count == 0)
        {
            return;
        }

        _chosen.Clear();
        _slots.Clear();
        ChoosePressed();
        ChooseAged();
        if (_chosen.Count == 0)
        {
            return;
        }

        int[] blocks = [.. _chosen], slots = [.. _slots];
        foreach (var leaving in blocks)
        {
            _idle.Remove(leaving);
            _cache.TryGetKey(leaving, out var key);
            _leaving.Add(leaving, key);
        }

        _movingToHost = true;
        _mover.Begin(new TierMove.ToHost(blocks, slots), _post);
    }

    /// <summary>Those that will be taken next: a burst of new prompts must not find any without a copy.</summary>
    private void ChoosePressed()
    {
        if (_looked == _pool.Version)
        {
            return;
        }

        var looked = 0;
        for (var next = _pool.FirstFree; next is { } block && looked < _devicePressure; next = _pool.NextFree(block), looked++)
        {
            if (_idle.Contains(block) && !TryChoose(block, Need.Pressed))
            {
                return;
            }
        }

        // With all of them saved there is nothing to look for until one is taken.
        _looked = _chosen.Count == 0 ? _pool.Version : -1;
    }

    private void ChooseAged()
    {
        for (var next = _idle.Oldest; next is { } block && _now - _idle.Since(block) >= _options.HostAfter; next = _idle.After(block))
        {
            var need = _now - _idle.Since(block) >= _options.DiskAfter ? Need.OldEnoughForTheDisk : Need.Idle;
            if (!_chosen.Contains(block) && !TryChoose(block, need))
            {
                return;
            }
        }
    }

    private bool TryChoose(int block, Need need)
    {
        if (_chosen.Count == _options.GroupBlocks || !TryTakeSlot(need, out var slot))
        {
            return false;
        }

        _chosen.Add(block);
        _slots.Add(slot);
        return true;
    }

    private void EndToHost(TierMove.ToHost move, TierMoveResult result)
    {
        _movingToHost = false;
        for (var i = 0; i < move.Blocks.Count; i++)
        {
            // Not there any more: the block was taken while it was copied.
            if (!_leaving.Remove(move.Blocks[i], out var key) || result.Failed.Contains(i) || _host.Contains(key.Key))
            {
                _host.Return(move.Slots[i]);
                continue;
            }

            if (_passing.Contains(move.Slots[i]) && !_disk.Contains(key.Key))
            {
                _host.AddPassing(key.Key, key.Parent, move.Slots[i], _now - _options.DiskAfter);
            }
            else
            {
                _host.Add(key.Key, key.Parent, move.Slots[i], _now, _disk.Contains(key.Key));
            }

            _toHost++;
        }

        _passing.Clear();
    }

    /// <summary>A slot for a block: one without content, or, where the need is great enough, that of another block.</summary>
    private bool TryTakeSlot(Need need, out int slot)
    {
        if (_host.TryTake(out slot))
        {
            return true;
        }

        var entry = need switch
        {
            Need.Pressed => Evictable(saved: true) ?? (IsDiskUsable && !_diskIsFull ? null : Evictable(saved: false)),
            Need.OldEnoughForTheDisk when CanPass => FirstOf(saved: true, alsoOnDevice: true),
            _ => null,
        };
        if (entry is null)
        {
            return false;
        }

        _host.Remove(entry);
        if (!_disk.Contains(entry.Key))
        {
            OnGoneFromBelow(entry.Key);
        }

        if (_host.TryTake(out slot) && need != Need.Pressed)
        {
            _passing.Add(slot);
        }

        return true;
    }

    /// <summary>The block to go from host memory: rather one that is not on the device too.</summary>
    private HostEntry? Evictable(bool saved) => FirstOf(saved, alsoOnDevice: false) ?? FirstOf(saved, alsoOnDevice: true);

    private HostEntry? FirstOf(bool saved, bool alsoOnDevice) => (saved ? _host.Count - _host.Unsaved : _host.Unsaved) == 0
        ? null
        : _host.Entries.FirstOrDefault(entry => entry.Readers == 0 && entry.Unsaved.List is null == saved
            && (alsoOnDevice || !_cache.TryGet(entry.Key, out _)));

    private void MoveToDisk()
    {
        if (_movingToDisk || _host.Unsaved == 0 || !IsDiskUsable)
        {
            return;
        }

        var group = new List<HostEntry>();
        var safe = _host.FreeSlots + _host.Count - _host.Unsaved;
        var pressed = safe < _hostPressure;
        foreach (var entry in _host.UnsavedByAge)
        {
            if (group.Count == _options.GroupBlocks || (!pressed && _now - entry.Since < _options.DiskAfter))
            {
                break;
            }

            group.Add(entry);
        }

        if (pressed)
        {
            foreach (var number in _disk.MakeRoom(group.Count, key => _host.Contains(key) || _cache.TryGet(key, out _)))
            {
                Drop(number);
            }
        }

        _diskIsFull = pressed && _disk.Room == 0;
        if (_disk.Room == 0 || group.Count == 0)
        {
            return;
        }

        _writing = [.. group.Take(_disk.Room)];
        Array.ForEach(_writing, HostTier.BeginReading);
        _movingToDisk = true;
        _mover.Begin(new TierMove.ToDisk([.. _writing.Select(entry => entry.Slot)], ++_group), _post);
    }

    private void EndToDisk(TierMove.ToDisk move, TierMoveResult result)
    {
        _movingToDisk = false;
        Array.ForEach(_writing, _host.EndReading);
        if (result.Error is not null)
        {
            _diskRetry = _now + _options.DiskRetryAfter;
        }
        else if (!_disk.Add(move.Group, _writing.Select(e => e.IsRemoved ? ((UInt128, UInt128)?)null : (e.Key, e.Parent))))
        {
            Drop(move.Group);
        }
        else
        {
            foreach (var entry in _writing.Where(entry => !entry.IsRemoved))
            {
                _host.SetSaved(entry, true);
            }

            _toDisk += _writing.Length;
        }

        _writing = [];
    }

    /// <summary>Why a block should leave the device.</summary>
    private enum Need
    {
        /// <summary>Nobody has used it for a while.</summary>
        Idle,

        /// <summary>Nobody has used it for long.</summary>
        OldEnoughForTheDisk,

        /// <summary>Its memory will be taken soon.</summary>
        Pressed,
    }
}
