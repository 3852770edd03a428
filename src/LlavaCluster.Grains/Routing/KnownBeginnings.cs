namespace LlavaCluster.Grains.Routing;

/// <summary>The beginnings that this silo's replica computed last. Whether its cache still has them nobody asks. Any thread.</summary>
internal sealed class KnownBeginnings
{
    /// <summary>So many are told.</summary>
    public const int Most = 256;

    private readonly Lock _gate = new();
    private readonly LinkedList<ulong> _names = [];
    private readonly Dictionary<ulong, LinkedListNode<ulong>> _nodes = [];
    private ulong[]? _latest;

    /// <summary>A sequence with these was taken on.</summary>
    public void Note(IReadOnlyList<ulong> names)
    {
        lock (_gate)
        {
            foreach (var name in names)
            {
                if (_nodes.TryGetValue(name, out var node))
                {
                    _names.Remove(node);
                    _names.AddFirst(node);
                    continue;
                }

                _nodes.Add(name, _names.AddFirst(name));
                _latest = null;
                if (_names.Count > Most)
                {
                    _nodes.Remove(_names.Last!.Value);
                    _names.RemoveLast();
                }
            }
        }
    }

    /// <summary>All, in no order.</summary>
    public IReadOnlyList<ulong> Latest()
    {
        lock (_gate)
        {
            return _latest ??= [.. _names];
        }
    }
}
