using System.Diagnostics.CodeAnalysis;

namespace LlavaCluster.Core.Engine;

/// <summary>Keeps values up to a number of bytes, or of entries when each counts one; the least recently used leave first. Any thread.</summary>
/// <typeparam name="TKey">Key.</typeparam>
/// <typeparam name="TValue">Value.</typeparam>
internal sealed class ByteBoundedCache<TKey, TValue>(long maxBytes)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value, long Bytes)>> _nodes = [];
    private readonly LinkedList<(TKey Key, TValue Value, long Bytes)> _byAge = [];

    /// <summary>Bytes of all values.</summary>
    public long Bytes { get; private set; }

    /// <summary>A value that is kept; it counts as used now.</summary>
    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(key, out var node))
            {
                value = default;
                return false;
            }

            _byAge.Remove(node);
            _byAge.AddLast(node);
            value = node.Value.Value;
            return true;
        }
    }

    /// <summary>Keeps a value; one that is larger than the whole cache is not kept.</summary>
    public void Set(TKey key, TValue value, long bytes)
    {
        lock (_lock)
        {
            RemoveNeedsLock(key);
            if (bytes > maxBytes)
            {
                return;
            }

            _nodes.Add(key, _byAge.AddLast((key, value, bytes)));
            Bytes += bytes;
            while (Bytes > maxBytes)
            {
                RemoveNeedsLock(_byAge.First!.Value.Key);
            }
        }
    }

    /// <summary>Forgets a value.</summary>
    public void Remove(TKey key)
    {
        lock (_lock)
        {
            RemoveNeedsLock(key);
        }
    }

    private void RemoveNeedsLock(TKey key)
    {
        if (_nodes.Remove(key, out var node))
        {
            _byAge.Remove(node);
            Bytes -= node.Value.Bytes;
        }
    }
}
