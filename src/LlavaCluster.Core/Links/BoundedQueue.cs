namespace LlavaCluster.Core.Links;

/// <summary>First in, first out, bounded by count and bytes: who puts waits while it is full. Any thread.</summary>
/// <param name="maxCount">Most entries.</param>
/// <param name="maxBytes">Most bytes; one entry may be larger when it is alone.</param>
internal sealed class BoundedQueue<T>(int maxCount, long maxBytes)
{
    private readonly object _gate = new();
    private readonly Queue<(T Item, int Bytes)> _items = new();
    private long _bytes;
    private bool _closed;

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _items.Count == 0;
            }
        }
    }

    /// <summary>False when the queue is closed.</summary>
    public bool TryPut(T item, int bytes)
    {
        lock (_gate)
        {
            while (!_closed && _items.Count > 0 && (_items.Count >= maxCount || _bytes + bytes > maxBytes))
            {
                Monitor.Wait(_gate);
            }

            if (_closed)
            {
                return false;
            }

            _items.Enqueue((item, bytes));
            _bytes += bytes;
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>Waits for the next; false when the queue is closed and empty.</summary>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public bool TryTake(out T? item, CancellationToken cancellationToken)
    {
        using var stop = cancellationToken.Register(() =>
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        });
        lock (_gate)
        {
            while (_items.Count == 0 && !_closed)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Monitor.Wait(_gate);
            }

            item = default;
            if (_items.Count == 0)
            {
                return false;
            }

            (item, var bytes) = _items.Dequeue();
            _bytes -= bytes;
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>Nothing more comes in; what is there can be taken.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }
}
