using System.Buffers;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>A binary heap of (rank, place) in one number each, smallest first. Pairs without a rule are not kept.</summary>
internal sealed class PairHeap(int capacity) : IDisposable
{
    private readonly ulong[] _keys = ArrayPool<ulong>.Shared.Rent(Math.Max(1, capacity));
    private int _count;

    /// <summary>Adds an entry without regard to order; <see cref="Order"/> must follow.</summary>
    public void Append(int rank, int place)
    {
        if (rank != int.MaxValue)
        {
            _keys[_count++] = Key(rank, place);
        }
    }

    /// <summary>Makes a heap of what was appended.</summary>
    public void Order()
    {
        for (var i = (_count / 2) - 1; i >= 0; i--)
        {
            SiftDown(i);
        }
    }

    /// <summary>Adds an entry.</summary>
    public void Put(int rank, int place)
    {
        if (rank == int.MaxValue)
        {
            return;
        }

        var (key, i) = (Key(rank, place), _count++);
        while (i > 0 && key < _keys[(i - 1) / 2])
        {
            _keys[i] = _keys[(i - 1) / 2];
            i = (i - 1) / 2;
        }

        _keys[i] = key;
    }

    /// <summary>Takes the entry of lowest rank, of equal ones the leftmost.</summary>
    public bool TryTake(out int rank, out int place)
    {
        if (_count == 0)
        {
            (rank, place) = (0, 0);
            return false;
        }

        (rank, place) = ((int)(_keys[0] >> 32), (int)(uint)_keys[0]);
        _keys[0] = _keys[--_count];
        SiftDown(0);
        return true;
    }

    public void Dispose() => ArrayPool<ulong>.Shared.Return(_keys);

    private static ulong Key(int rank, int place) => ((ulong)(uint)rank << 32) | (uint)place;

    private void SiftDown(int i)
    {
        if (i >= _count)
        {
            return;
        }

        var key = _keys[i];
        for (var child = (2 * i) + 1; child < _count; child = (2 * i) + 1)
        {
            child += child + 1 < _count && _keys[child + 1] < _keys[child] ? 1 : 0;
            if (key <= _keys[child])
            {
                break;
            }

            _keys[i] = _keys[child];
            i = child;
        }

        _keys[i] = key;
    }
}
