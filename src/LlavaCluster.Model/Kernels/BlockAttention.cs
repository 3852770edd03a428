using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LlavaCluster.Model.Kernels;

/// <summary>
/// softmax(q·kᵀ/√d)·v over KV pages, for single tokens and for chunks of prompts alike. Keys are taken in groups of 64 positions
/// from position 0 on: (1) scores of a group, (2) its part of the running softmax, (3) its values. What a token gets depends on its
/// query and the keys that it may see only: a masked key adds exactly 0, so a chunk gives a token the bits that decoding gives it.
/// No matrix of all scores is ever made.
/// </summary>
/// <param name="kernel">The kernel.</param>
/// <param name="pool">Who computes.</param>
/// <param name="shape">The heads.</param>
internal sealed unsafe class BlockAttention(PanelKernel kernel, WorkerPool pool, AttentionShape shape) : ParallelWork, IDisposable
{
    /// <summary>Positions of a group: four vectors of 16.</summary>
    private const int GroupKeys = 64;

    /// <summary>Queries that share a group while it is in the cache.</summary>
    private const int MostRows = 64;

    /// <summary>Below every score, yet a number: differences to it are numbers too.</summary>
    private const float Lowest = -1e30f;

    private readonly Scratch[] _scratch = [.. Enumerable.Range(0, pool.Workers).Select(_ => new Scratch())];
    private readonly int _padded = (shape.HeadDim + 15) & ~15;
    private readonly int _tile = Math.Max(1, MostRows / Enumerable.Range(0, shape.KvHeads).Max(shape.Group));
    private readonly float _scale = 1 / MathF.Sqrt(shape.HeadDim);
    private StepLayout _step = new();
    private (int Sequence, int First)[] _tiles = [];
    private int _tileCount;
    private byte* _fused;
    private byte* _keys;
    private byte* _values;
    private byte* _y;

    /// <inheritdoc/>
    public override int Items => _tileCount * shape.KvHeads;

    /// <summary>Cuts a step's tokens into pieces of work; once for all layers.</summary>
    public void Begin(StepLayout step)
    {
        (_step, _tileCount) = (step, 0);
        for (var sequence = 0; sequence < step.Sequences; sequence++)
        {
            // The last tokens look back furthest: they come first.
            for (var end = step.Sequence(sequence).Length; end > 0; end -= _tile)
            {
                if (_tileCount == _tiles.Length)
                {
                    Array.Resize(ref _tiles, Math.Max(16, 2 * _tiles.Length));
                }

                _tiles[_tileCount++] = (sequence, Math.Max(0, end - _tile));
            }
        }
    }

    /// <summary>One layer.</summary>
    /// <param name="fused">[tokens, heads + 2 kv_heads, head_dim], queries turned.</param>
    /// <param name="keys">The layer's key pages, [blocks, 16, kv_heads, head_dim], this step's keys among them.</param>
    /// <param name="values">The layer's value pages.</param>
    /// <param name="y">[tokens, heads, head_dim], written.</param>
    public void Compute(byte* fused, byte* keys, byte* values, byte* y)
    {
        _fused = fused;
        _keys = keys;
        _values = values;
        _y = y;
        pool.Run(this);
    }

    /// <inheritdoc/>
    public override void Do(int item, int worker)
    {
        var (sequence, first) = _tiles[item / shape.KvHeads];
        ref readonly var part = ref _step.Sequence(sequence);
        var kvHead = item % shape.KvHeads;
        // The tiles were cut from the end: only the first one is short.
        var tokens = Math.Min(_tile, first == 0 ? ((part.Length - 1) % _tile) + 1 : _tile);
        var group = shape.Group(kvHead);
        var rows = tokens * group;
        var memory = new TileMemory(_scratch[worker], rows, _padded, shape.HeadDim + 1, kernel.Width);
        LoadQueries(part, first, tokens, kvHead, memory);
        var start = part.Start + first;
        var firstKey = shape.SlidingWindow is { } window ? Math.Max(0, start - window + 1) : 0;
        for (var key = firstKey / GroupKeys * GroupKeys; key < start + tokens; key += GroupKeys)
        {
            var count = Math.Min(GroupKeys, start + tokens - key);
            Scores(part, kvHead, key, count, rows, memory);
            for (var row = 0; row < rows; row++)
            {
                Soften(row, start + (row / group), key, memory);
            }

            Gather(part, kvHead, key, count, memory);
            for (var at = 0; at < _padded; at += kernel.Width)
            {
                kernel.Multiply(
                    memory.Scores, GroupKeys, rows, memory.Values + at, _padded, count, memory.Sums + at, _padded);
            }
        }

        Store(part, first, tokens, kvHead, memory);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var scratch in _scratch)
        {
            scratch.Dispose();
        }
    }

    private void LoadQueries(in StepLayout.Part part, int first, int tokens, int kvHead, in TileMemory memory)
    {
        int size = Numbers.Size(shape.Form), group = shape.Group(kvHead);
        for (var row = 0; row < tokens * group; row++)
        {
            var head = ((long)(part.Offset + first + (row / group)) * shape.Fused)
                + ((long)(shape.FirstQuery(kvHead) + (row % group)) * shape.HeadDim);
            Numbers.WidenForProduct(shape.Form, _fused + (head * size), memory.Queries + (row * memory.QueryStride), shape.HeadDim);
            (memory.Largest[row], memory.Weights[row]) = (Lowest, 0);
        }

        new Span<float>(memory.Sums, tokens * group * _padded).Clear();
    }

    /// <summary>(1) Scores of a group of keys, before scale and mask.</summary>
    private void Scores(in StepLayout.Part part, int kvHead, int key, int count, int rows, in TileMemory memory)
    {
        var size = Numbers.Size(shape.Form);
        var lines = shape.HeadDim + (shape.Form == NumberForm.Float32 ? 0 : shape.HeadDim % 2);
        new Span<float>(memory.Scores, rows * GroupKeys).Clear();
        for (var at = 0; at < count; at += kernel.Width)
        {
            var position = key + at;
            var slot = ((long)_step.Block(part, position / AttentionShape.BlockTokens) * AttentionShape.BlockTokens)
                + (position % AttentionShape.BlockTokens);
            var page = _keys + (slot * shape.PositionBytes) + ((long)kvHead * shape.HeadDim * size);

            // Keys past the last are whatever the block holds; they are masked.
            kernel.Pack(shape.Form, page, shape.PositionBytes, kernel.Width, shape.HeadDim, memory.Panel);
            kernel.Multiply(
                memory.Queries, memory.QueryStride, rows, memory.Panel, kernel.Width, lines, memory.Scores + at, GroupKeys);
        }
    }

    /// <summary>(2) Turns a row's scores into weights against the largest score so far; what it has is brought to the same measure.</summary>
    private void Soften(int row, int position, int key, in TileMemory memory)
    {
        var scores = memory.Scores + (row * GroupKeys);
        var last = Vector512.Create(position - key);
        var first = Vector512.Create(shape.SlidingWindow is { } window ? position - window + 1 - key : -1);
        var scale = Vector512.Create(_scale);
        var lowest = Vector512.Create(Lowest);
        var most = Vector512.Create(memory.Largest[row]);
        for (var i = 0; i < GroupKeys; i += 16)
        {
            var score = Seen(i, first, last, Vector512.Load(scores + i) * scale, lowest);
            score.Store(scores + i);
            most = Vector512.Max(most, score);
        }

        var largest = Largest(most);
        var shrink = memory.Largest[row] == largest ? 1 : Exponential.Of(Vector512.Create(memory.Largest[row] - largest))[0];
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < GroupKeys; i += 16)
        {
            var weight = Exponential.Of(Vector512.Load(scores + i) - Vector512.Create(largest));
            weight = Seen(i, first, last, weight, Vector512<float>.Zero);
            weight.Store(scores + i);
            sum += weight;
        }

        memory.Largest[row] = largest;
        memory.Weights[row] = (memory.Weights[row] * shrink) + Vector512.Sum(sum);
        if (shrink != 1)
        {
            var sums = memory.Sums + (row * _padded);
            for (var i = 0; i < _padded; i += 16)
            {
                (Vector512.Load(sums + i) * shrink).Store(sums + i);
            }
        }
    }

    /// <summary>(3) The group's values as float32.</summary>
    private void Gather(in StepLayout.Part part, int kvHead, int key, int count, in TileMemory memory)
    {
        var size = Numbers.Size(shape.Form);
        for (var i = 0; i < count; i++)
        {
            var position = key + i;
            var slot = ((long)_step.Block(part, position / AttentionShape.BlockTokens) * AttentionShape.BlockTokens)
                + (position % AttentionShape.BlockTokens);
            var page = _values + (slot * shape.PositionBytes) + ((long)kvHead * shape.HeadDim * size);
            var line = memory.Values + (i * _padded);
            Numbers.Widen(shape.Form, page, line, shape.HeadDim);
            new Span<float>(line + shape.HeadDim, _padded - shape.HeadDim).Clear();
        }
    }

    private void Store(in StepLayout.Part part, int first, int tokens, int kvHead, in TileMemory memory)
    {
        int size = Numbers.Size(shape.Form), group = shape.Group(kvHead);
        for (var row = 0; row < tokens * group; row++)
        {
            var sums = memory.Sums + (row * _padded);
            var weight = Vector512.Create(memory.Weights[row]);
            for (var i = 0; i < _padded; i += 16)
            {
                (Vector512.Load(sums + i) / weight).Store(sums + i);
            }

            var head = (((long)(part.Offset + first + (row / group)) * shape.Heads) + shape.FirstQuery(kvHead) + (row % group)) * shape.HeadDim;
            Numbers.Narrow(shape.Form, sums, _y + (head * size), shape.HeadDim);
        }
    }

    /// <summary>The numbers at keys that the row sees, <paramref name="otherwise"/> at the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Seen(int at, Vector512<int> first, Vector512<int> last, Vector512<float> numbers, Vector512<float> otherwise)
    {
        var key = Vector512<int>.Indices + Vector512.Create(at);
        var hidden = Vector512.GreaterThan(key, last) | Vector512.LessThan(key, first);
        return Vector512.ConditionalSelect(hidden.AsSingle(), otherwise, numbers);
    }

    private static float Largest(Vector512<float> numbers)
    {
        var half = Vector256.Max(numbers.GetLower(), numbers.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return MathF.Max(MathF.Max(quarter[0], quarter[1]), MathF.Max(quarter[2], quarter[3]));
    }

    /// <summary>What one piece of work computes in; all in a worker's scratch memory.</summary>
    private readonly ref struct TileMemory
    {
        public TileMemory(Scratch scratch, int rows, int padded, int queryStride, int width)
        {
            QueryStride = (queryStride + 15) & ~15;
            var memory = scratch.Room(
                ((long)rows * (QueryStride + GroupKeys + padded + 2)) + ((long)GroupKeys * padded) + ((long)QueryStride * width));
            Queries = memory;
            Scores = Queries + ((long)rows * QueryStride);
            Sums = Scores + ((long)rows * GroupKeys);
            Values = Sums + ((long)rows * padded);
            Panel = Values + (GroupKeys * padded);
            Largest = Panel + ((long)QueryStride * width);
            Weights = Largest + rows;
        }

        /// <summary>[rows, query stride]</summary>
        public float* Queries { get; }

        public int QueryStride { get; }

        /// <summary>[rows, 64]</summary>
        public float* Scores { get; }

        /// <summary>[rows, padded head_dim]: Σ weight · value.</summary>
        public float* Sums { get; }

        /// <summary>[64, padded head_dim]</summary>
        public float* Values { get; }

        /// <summary>[head_dim, width]: keys, turned.</summary>
        public float* Panel { get; }

        /// <summary>[rows]: the largest score so far.</summary>
        public float* Largest { get; }

        /// <summary>[rows]: Σ weight.</summary>
        public float* Weights { get; }
    }
}
