using System.Diagnostics.CodeAnalysis;

namespace LlavaCluster.Core.Tiering;

/// <summary>Which block lies in which slot of host memory, the least recently used first. Engine thread only.</summary>
internal sealed class HostTier
{
    private readonly Dictionary<UInt128, HostEntry> _entries = [];
    private readonly LinkedList<HostEntry> _byAge = [];
    private readonly LinkedList<HostEntry> _unsaved = [];
    private readonly Stack<int> _free;

    /// <summary>All slots free.</summary>
    public HostTier(int slots)
    {
        Slots = slots;
        _free = new Stack<int>(Enumerable.Range(0, slots).Reverse());
    }

    /// <summary>Slots in all.</summary>
    public int Slots { get; }

    /// <summary>Slots without content.</summary>
    public int FreeSlots => _free.Count;

    /// <summary>Blocks here.</summary>
    public int Count => _entries.Count;

    /// <summary>Blocks here that are not on the disk.</summary>
    public int Unsaved => _unsaved.Count;

    /// <summary>All blocks here.</summary>
    public IReadOnlyCollection<HostEntry> Entries => _byAge;

    /// <summary>Those that are not on the disk, the least recently used first.</summary>
    public IReadOnlyCollection<HostEntry> UnsavedByAge => _unsaved;

    /// <summary>A block, if it is here.</summary>
    public bool TryGet(UInt128 key, [MaybeNullWhen(false)] out HostEntry entry) => _entries.TryGetValue(key, out entry);

    /// <summary>A block is here.</summary>
    public bool Contains(UInt128 key) => _entries.ContainsKey(key);

    /// <summary>Takes a slot without content.</summary>
    public bool TryTake(out int slot) => _free.TryPop(out slot);

    /// <summary>Gives back a slot that was taken and not used.</summary>
    public void Return(int slot) => _free.Push(slot);

    /// <summary>A slot that was taken has a block now.</summary>
    /// <param name="key">Its key; not here yet.</param>
    /// <param name="parent">Key of the block before it.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="now">Time.</param>
    /// <param name="isSaved">It is on the disk.</param>
    public void Add(UInt128 key, UInt128 parent, int slot, TimeSpan now, bool isSaved)
    {
        var entry = new HostEntry(key, parent, slot) { Since = now };
        _entries.Add(key, entry);
        _byAge.AddLast(entry.ByAge);
        if (!isSaved)
        {
            _unsaved.AddLast(entry.Unsaved);
        }
    }

    /// <summary>A slot that was taken has a block that is only on its way to the disk: it goes before all others.</summary>
    /// <param name="key">Its key; not here yet.</param>
    /// <param name="parent">Key of the block before it.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="since">When it was used last.</param>
    public void AddPassing(UInt128 key, UInt128 parent, int slot, TimeSpan since)
    {
        var entry = new HostEntry(key, parent, slot) { Since = since };
        _entries.Add(key, entry);
        _byAge.AddFirst(entry.ByAge);
        _unsaved.AddFirst(entry.Unsaved);
    }

    /// <summary>A block was used now.</summary>
    public void Touch(HostEntry entry, TimeSpan now)
    {
        entry.Since = now;
        _byAge.Remove(entry.ByAge);
        _byAge.AddLast(entry.ByAge);
        if (entry.Unsaved.List is not null)
        {
            _unsaved.Remove(entry.Unsaved);
            _unsaved.AddLast(entry.Unsaved);
        }
    }

    /// <summary>A block is on the disk now, or no longer.</summary>
    public void SetSaved(HostEntry entry, bool isSaved)
    {
        if (isSaved && entry.Unsaved.List is not null)
        {
            _unsaved.Remove(entry.Unsaved);
        }
        else if (!isSaved && entry.Unsaved.List is null && !entry.IsRemoved)
        {
            _unsaved.AddFirst(entry.Unsaved);
        }
    }

    /// <summary>Forgets a block. Its slot is free when no move reads it any more.</summary>
    public void Remove(HostEntry entry)
    {
        entry.IsRemoved = true;
        _entries.Remove(entry.Key);
        _byAge.Remove(entry.ByAge);
        SetSaved(entry, true);
        if (entry.Readers == 0)
        {
            _free.Push(entry.Slot);
        }
    }

    /// <summary>A move reads a block's slot.</summary>
    public static void BeginReading(HostEntry entry) => entry.Readers++;

    /// <summary>A move has read it.</summary>
    public void EndReading(HostEntry entry)
    {
        if (--entry.Readers == 0 && entry.IsRemoved)
        {
            _free.Push(entry.Slot);
        }
    }
}

/// <summary>A block in host memory.</summary>
internal sealed class HostEntry
{
    /// <summary>In a slot.</summary>
    public HostEntry(UInt128 key, UInt128 parent, int slot)
    {
        (Key, Parent, Slot) = (key, parent, slot);
        (ByAge, Unsaved) = (new(this), new(this));
    }

    public UInt128 Key { get; }

    public UInt128 Parent { get; }

    public int Slot { get; }

    /// <summary>When it was used last.</summary>
    public TimeSpan Since { get; set; }

    /// <summary>Moves that read it.</summary>
    public int Readers { get; set; }

    /// <summary>It was forgotten; only moves under way still read it.</summary>
    public bool IsRemoved { get; set; }

    public LinkedListNode<HostEntry> ByAge { get; }

    public LinkedListNode<HostEntry> Unsaved { get; }
}
