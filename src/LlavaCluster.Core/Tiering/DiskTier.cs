namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Which blocks lie in which group on the disk. A group is written once and goes as a whole, the least recently used first. One that is
/// being read is forgotten at once, but its file stays, and takes room, until the last reader has done. Engine thread only.
/// </summary>
/// <param name="blocks">Blocks that there is room for, those that were forgotten inside a group included.</param>
internal sealed class DiskTier(int blocks)
{
    private readonly Dictionary<UInt128, (DiskGroup Group, int Index)> _places = [];
    private readonly Dictionary<long, DiskGroup> _groups = [];
    private readonly Dictionary<long, DiskGroup> _readOnly = [];
    private readonly LinkedList<DiskGroup> _byAge = [];

    /// <summary>Called with a block that is no longer on the disk.</summary>
    public Action<UInt128>? Removed { get; init; }

    /// <summary>Blocks that take room.</summary>
    public int Used { get; private set; }

    /// <summary>Blocks that can be found.</summary>
    public int Count => _places.Count;

    /// <summary>Keys that can be found, with those of the blocks before them.</summary>
    public IEnumerable<(UInt128 Key, UInt128 Parent)> Keys => _places.Values.Select(place => place.Group.Keys[place.Index]);

    /// <summary>Blocks that there is room for without removing any.</summary>
    public int Room => blocks - Used;

    /// <summary>A block is on the disk.</summary>
    public bool Contains(UInt128 key) => _places.ContainsKey(key);

    /// <summary>Where a block lies.</summary>
    public bool TryGet(UInt128 key, out DiskPlace place)
    {
        var found = _places.TryGetValue(key, out var at);
        place = found ? new DiskPlace(at.Group.Number, at.Index) : default;
        return found;
    }

    /// <summary>
    /// Removes the oldest groups until there is room for so many blocks, or none is left that may go: not those that are being read, nor
    /// those with a block that is in faster memory too. Without its copy here such a block would only be written again.
    /// </summary>
    /// <param name="count">Blocks.</param>
    /// <param name="isAbove">A block is in faster memory.</param>
    /// <returns>Numbers of the groups removed.</returns>
    public IReadOnlyList<long> MakeRoom(int count, Func<UInt128, bool> isAbove)
    {
        var removed = new List<long>();
        for (var node = _byAge.First; node is not null && Room < count;)
        {
            var group = node.Value;
            node = node.Next;
            if (group.Readers == 0 && !group.Keys.Any(key => isAbove(key.Key)))
            {
                Forget(group);
                removed.Add(group.Number);
            }
        }

        return removed;
    }

    /// <summary>A group was written.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="keys">Its blocks, with the key of the one before each; null where a block was forgotten meanwhile.</param>
    /// <returns>False when nothing in it can be found: it is not here, and should be dropped.</returns>
    public bool Add(long number, IEnumerable<(UInt128 Key, UInt128 Parent)?> keys)
    {
        var blocksOfGroup = keys.ToArray();
        var group = new DiskGroup(number, [.. blocksOfGroup.Select(key => key ?? default)]);
        for (var i = 0; i < blocksOfGroup.Length; i++)
        {
            group.Live += blocksOfGroup[i] is { } block && _places.TryAdd(block.Key, (group, i)) ? 1 : 0;
        }

        if (group.Live == 0)
        {
            return false;
        }

        _groups.Add(number, group);
        _byAge.AddLast(group.ByAge);
        Used += group.Keys.Length;
        return true;
    }

    /// <summary>Forgets one block.</summary>
    /// <returns>The group's number when nothing in it can be found any more, and its file should go.</returns>
    public long? Remove(UInt128 key)
    {
        if (!_places.Remove(key, out var place))
        {
            return null;
        }

        Removed?.Invoke(key);
        if (--place.Group.Live > 0)
        {
            return null;
        }

        return Forget(place.Group) ? place.Group.Number : null;
    }

    /// <summary>Forgets a whole group, if it is here.</summary>
    /// <returns>True when its file should go.</returns>
    public bool RemoveGroup(long number) => _groups.TryGetValue(number, out var group) && Forget(group);

    /// <summary>A move begins to read blocks of a group: it counts as used now.</summary>
    public void BeginReading(long number)
    {
        var group = _groups[number];
        group.Readers++;
        _byAge.Remove(group.ByAge);
        _byAge.AddLast(group.ByAge);
    }

    /// <summary>A move has read its blocks of a group.</summary>
    /// <returns>True when the group was forgotten meanwhile and its file should go.</returns>
    public bool EndReading(long number)
    {
        var forgotten = _readOnly.TryGetValue(number, out var group);
        group ??= _groups[number];
        if (--group.Readers > 0 || !forgotten)
        {
            return false;
        }

        _readOnly.Remove(number);
        Used -= group.Keys.Length;
        return true;
    }

    /// <summary>Nothing in a group can be found from now on.</summary>
    /// <returns>True when its file should go: nobody reads it.</returns>
    private bool Forget(DiskGroup group)
    {
        _groups.Remove(group.Number);
        _byAge.Remove(group.ByAge);
        if (group.Readers > 0)
        {
            _readOnly.Add(group.Number, group);
        }
        else
        {
            Used -= group.Keys.Length;
        }

        for (var i = 0; i < group.Keys.Length; i++)
        {
            if (_places.TryGetValue(group.Keys[i].Key, out var place) && place.Group == group)
            {
                _places.Remove(group.Keys[i].Key);
                Removed?.Invoke(group.Keys[i].Key);
            }
        }

        return group.Readers == 0;
    }

    private sealed class DiskGroup
    {
        public DiskGroup(long number, (UInt128 Key, UInt128 Parent)[] keys)
        {
            (Number, Keys) = (number, keys);
            ByAge = new(this);
        }

        public long Number { get; }

        public (UInt128 Key, UInt128 Parent)[] Keys { get; }

        /// <summary>Blocks that can be found.</summary>
        public int Live { get; set; }

        /// <summary>Moves that read it.</summary>
        public int Readers { get; set; }

        public LinkedListNode<DiskGroup> ByAge { get; }
    }
}
