using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaCluster.Model.Kernels;

/// <summary>
/// softmax(q·kᵀ/√d)·v over KV pages, for single tokens and for chunks of prompts alike. Keys are taken in groups of 64 positions
/// from position 0 on: (1) scores of a group, (2) its part of the <see cref="RunningSoftMax"/>, (3) its values. What a token gets depends on its
/// query and the keys that it may see only: a masked key adds exactly 0, so a chunk gives a token the bits that decoding gives it.
/// No matrix of all scores is ever made. A piece of work is a tile of queries and a few KV heads side by side: with few queries, keys
/// and values come from memory, and long stretches come fastest.
/// </summary>
/// <param name="kernel">The kernel.</param>
/// <param name="pool">Who computes.</param>
/// <param name="shape">The heads.</param>
internal sealed unsafe class BlockAttention(PanelKernel kernel, WorkerPool pool, AttentionShape shape) : ParallelWork, IDisposable
{
    /// <summary>Positions of a group: four vectors of 16.</summary>
    private const int GroupKeys = TileMemory.GroupKeys;

    /// <summary>Queries of a piece of work: for each group of keys these are made ready for the kernel once.</summary>
    private const int MostRows = 512;

    /// <summary>Up to so many tokens a step waits for memory.</summary>
    private const int FewTokens = 32;

    private const int ItemsPerWorker = 2, CacheLine = 64;

    private readonly Scratch[] _scratch = [.. Enumerable.Range(0, pool.Workers).Select(_ => new Scratch())];
    private readonly int _padded = (shape.HeadDim + 15) & ~15;
    private readonly int _largestGroup = Enumerable.Range(0, shape.KvHeads).Max(shape.Group);
    private readonly int _tile = Math.Max(1, MostRows / Enumerable.Range(0, shape.KvHeads).Max(shape.Group));
    private readonly float _scale = 1 / MathF.Sqrt(shape.HeadDim);
    private StepLayout _step = new();
    private (int Sequence, int First)[] _tiles = [];
    private int _tileCount;
    private int _headsAtOnce = 1;
    private byte* _fused;
    private byte* _keys;
    private byte* _values;
    private byte* _y;

    /// <inheritdoc/>
    public override int Items => _tileCount * HeadGroups;

    private int HeadGroups => (shape.KvHeads + _headsAtOnce - 1) / _headsAtOnce;

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

        // Work for all is worth more than long stretches.
        _headsAtOnce = step.Tokens > FewTokens ? 1 : Math.Max(1, _tileCount * shape.KvHeads / (ItemsPerWorker * pool.Workers));
        _headsAtOnce = Math.Min(_headsAtOnce, shape.KvHeads);
    }

    /// <summary>One layer.</summary>
    /// <param name="fused">[tokens, heads + 2 kv_heads, head_dim], queries turned.</param>
    /// <param name="keys">The layer's key pages, this step's keys among them.</param>
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
        var (sequence, first) = _tiles[item / HeadGroups];
        ref readonly var part = ref _step.Sequence(sequence);
        var firstHead = item % HeadGroups * _headsAtOnce;
        var heads = Math.Min(_headsAtOnce, shape.KvHeads - firstHead);

        // The tiles were cut from the end: only the first one is short.
        var tokens = Math.Min(_tile, first == 0 ? ((part.Length - 1) % _tile) + 1 : _tile);
        var memory = new TileMemory(_scratch[worker], heads, tokens * _largestGroup, _padded, shape, kernel);
        for (var head = 0; head < heads; head++)
        {
            LoadQueries(part, first, tokens, firstHead + head, memory.Of(head));
        }

        var start = part.Start + first;
        var firstKey = shape.SlidingWindow is { } window ? Math.Max(0, start - window + 1) : 0;
        var end = shape.IsCausal ? start + tokens : part.Start + part.Length;
        for (var key = firstKey / GroupKeys * GroupKeys; key < end; key += GroupKeys)
        {
            var count = Math.Min(GroupKeys, end - key);
            for (var head = 0; head < heads; head++)
            {
                Fetch(part, firstHead + head, key + GroupKeys, end);
                Group(part, start, tokens, firstHead + head, key, count, memory.Of(head));
            }
        }

        for (var head = 0; head < heads; head++)
        {
            Store(part, first, tokens, firstHead + head, memory.Of(head));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var scratch in _scratch)
        {
            scratch.Dispose();
        }
    }

    private void LoadQueries(in StepLayout.Part part, int first, int tokens, int kvHead, in HeadMemory memory)
    {
        int size = Numbers.Size(shape.Form), group = shape.Group(kvHead);
        for (var row = 0; row < tokens * group; row++)
        {
            var head = ((long)(part.Offset + first + (row / group)) * shape.Fused)
                + ((long)(shape.FirstQuery(kvHead) + (row % group)) * shape.HeadDim);
            kernel.PrepareRow(shape.Form, _fused + (head * size), shape.HeadDim, memory.Queries + (row * memory.QueryStride));
            (memory.Largest[row], memory.Weights[row]) = (RunningSoftMax.Lowest, 0);
        }

        new Span<float>(memory.Sums, tokens * group * _padded).Clear();
    }

    /// <summary>A group of keys and values, and a head's queries of a tile, so many at a time that their scores stay in the cache.</summary>
    private void Group(in StepLayout.Part part, int start, int tokens, int kvHead, int key, int count, in HeadMemory memory)
    {
        var (keys, values) = (Keys(part, kvHead, key, count, memory), Values(part, kvHead, key, count, memory));
        int group = shape.Group(kvHead), bytes = kernel.RowNumberBytes(shape.Form);
        for (var first = 0; first < tokens * group; first += TileMemory.RowsAtOnce)
        {
            var rows = Math.Min(TileMemory.RowsAtOnce, (tokens * group) - first);
            kernel.Multiply(
                shape.Form, memory.Queries + (first * memory.QueryStride), memory.QueryStride, rows, keys, shape.HeadDim, memory.Scores, GroupKeys,
                fresh: true);
            for (var row = 0; row < rows; row++)
            {
                var position = shape.IsCausal ? start + ((first + row) / group) : part.Start + part.Length - 1;
                var oldest = shape.SlidingWindow is { } window ? position - window + 1 : 0;
                RunningSoftMax.Take(
                    memory.Scores + (row * GroupKeys), oldest - key, position - key, _scale, ref memory.Largest[first + row],
                    ref memory.Weights[first + row], memory.Sums + ((first + row) * _padded), _padded);
            }

            kernel.PrepareWeights(shape.Form, memory.Scores, rows * GroupKeys, memory.Prepared);
            kernel.Multiply(
                shape.Form, memory.Prepared, GroupKeys * bytes, rows, values, count, memory.Sums + (first * _padded), _padded, fresh: false);
        }
    }

    /// <summary>(1) A group's keys in panels.</summary>
    private PanelKernel.Panels Keys(in StepLayout.Part part, int kvHead, int key, int count, in HeadMemory memory)
    {
        int width = kernel.Width, bytes = kernel.NumberBytes(shape.Form), numbers = PanelKernel.Padded(shape.Form, shape.HeadDim);
        var panels = new PanelKernel.Panels((nint)memory.Keys, (count + width - 1) / width, (long)numbers * width * bytes, width * bytes);
        for (var panel = 0; panel < panels.Count; panel++)
        {
            // Keys past the last are whatever the block holds; they are masked.
            var page = Page(_keys, part, kvHead, key + (panel * width));
            var lines = panels.Memory + (panel * panels.Step);
            if (shape.InPanels)
            {
                Buffer.MemoryCopy(page, lines, shape.HeadPageBytes, shape.HeadPageBytes);
            }
            else
            {
                kernel.Pack(shape.Form, page, shape.PositionBytes, width, shape.HeadDim, lines);
            }
        }

        return panels;
    }

    /// <summary>(3) A group's values in lines.</summary>
    private PanelKernel.Panels Values(in StepLayout.Part part, int kvHead, int key, int count, in HeadMemory memory)
    {
        var line = _padded * kernel.NumberBytes(shape.Form);
        for (var at = 0; at < count; at += AttentionShape.BlockTokens)
        {
            var positions = Math.Min(AttentionShape.BlockTokens, count - at);
            var page = Page(_values, part, kvHead, key + at);
            var lines = memory.Values + (at * line);
            if (shape.InPanels)
            {
                var bytes = (positions + 1) / 2 * 2 * line;
                Buffer.MemoryCopy(page, lines, bytes, bytes);
            }
            else
            {
                kernel.PackLines(shape.Form, page, shape.PositionBytes, positions, shape.HeadDim, _padded, lines);
            }
        }

        return new PanelKernel.Panels((nint)memory.Values, _padded / kernel.Width, kernel.Width * sizeof(float), line);
    }

    /// <summary>A head's numbers at a position in a layer's pages; in panels those of the whole block, whose first position it is.</summary>
    private byte* Page(byte* pages, in StepLayout.Part part, int kvHead, int position)
    {
        var slot = ((long)_step.Block(part, position / AttentionShape.BlockTokens) * AttentionShape.BlockTokens)
            + (position % AttentionShape.BlockTokens);
        return pages + (slot * shape.PositionBytes) + ((long)kvHead * (shape.InPanels ? shape.HeadPageBytes : shape.PositionBytes / shape.KvHeads));
    }

    /// <summary>Fetches a head's keys and values of the group from <paramref name="key"/> on, which are needed next.</summary>
    private void Fetch(in StepLayout.Part part, int kvHead, int key, int end)
    {
        var bytes = shape.HeadDim * Numbers.Size(shape.Form);
        for (var first = key; first < Math.Min(key + GroupKeys, end) && Sse.IsSupported; first += AttentionShape.BlockTokens)
        {
            var keys = Page(_keys, part, kvHead, first);
            var values = Page(_values, part, kvHead, first);
            for (var at = 0; at < shape.HeadPageBytes && shape.InPanels; at += CacheLine)
            {
                Sse.Prefetch1(keys + at);
                Sse.Prefetch1(values + at);
            }

            for (var position = first; position < Math.Min(first + AttentionShape.BlockTokens, end) && !shape.InPanels; position++)
            {
                for (var at = 0; at < bytes; at += CacheLine)
                {
                    Sse.Prefetch1(keys + at);
                    Sse.Prefetch1(values + at);
                }

                keys += shape.PositionBytes;
                values += shape.PositionBytes;
            }
        }
    }

    private void Store(in StepLayout.Part part, int first, int tokens, int kvHead, in HeadMemory memory)
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
}
