using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Layers;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Language;

/// <summary>
/// The fast path on a CPU: what <see cref="LanguageModel"/> computes, over its weights and the same KV pages, by kernels in C#. A
/// token's result depends on its sequence alone: not on the batch, the chunk, or whether it was computed as prompt or as answer. A
/// step: (1) embed, (2) image features in their places, (3) layers, (4) logits of the rows that sample. Engine thread only.
/// </summary>
internal sealed unsafe class FastLanguageModel : IDisposable
{
    private readonly FastWorkspace _workspace;
    private readonly FastDecoderLayer[] _layers;
    private readonly IHostLinear _head;
    private readonly HostBuffer _picked;
    private readonly HostBuffer _normed;
    private readonly HostBuffer _narrow;
    private readonly Scratch _logits = new();
    private readonly IReadOnlyList<long> _lengths;
    private readonly byte* _embedding;
    private readonly byte* _finalNorm;
    private readonly int _firstToken;
    private readonly int _ownTokens;

    /// <summary>Takes weights and pages; neither is disposed here.</summary>
    /// <param name="model">The reference, whose weights are used.</param>
    /// <param name="text">The model's numbers.</param>
    /// <param name="type">Type of weights and activations.</param>
    /// <param name="collective">This rank's end.</param>
    /// <param name="cache">Its pages.</param>
    /// <param name="path">Which instructions to use.</param>
    public FastLanguageModel(
        LanguageModel model, TextConfig text, ScalarType type, ICollective collective, PagedKvCache cache, KernelPath path)
    {
        var plan = new ShardPlan(text, collective.Rank, collective.Ranks);
        _workspace = new FastWorkspace(text, plan, type, collective, model.Rotary, path);
        _layers = [.. model.Layers.Select((layer, number) => new FastDecoderLayer(_workspace, layer, cache, number))];
        _head = _workspace.Linear(model.Head.Weight);
        _lengths = model.Head.Lengths;
        _embedding = HostMemory.Of(model.Embedding.Weight);
        _finalNorm = HostMemory.Of(model.FinalNorm.Weight);
        (_firstToken, _ownTokens) = (plan.FirstToken, plan.Tokens);
        _picked = _workspace.Buffer(text.Hidden);
        _normed = _workspace.Buffer(text.Hidden);
        _narrow = _workspace.Buffer(plan.Tokens);
    }

    /// <summary>Whether matrices should lie in <see cref="TileOrder"/> on this processor.</summary>
    public static bool TakesTiles(TensorDevice device)
        => device.IsCpu && KernelPaths.Kernel(KernelPaths.Best).TakesTiles(NumberForms.Of(device.Type));

    private long RowBytes => (long)_workspace.Text.Hidden * Numbers.Size(_workspace.Form);

    /// <summary>Who computes.</summary>
    public WorkerPool Pool => _workspace.Pool;

    /// <summary>Whether a step makes tensors: for large products, images, sums over ranks, or copies of blocks.</summary>
    public bool NeedsTorch(StepPlan plan)
    {
        var tokens = 0;
        for (var i = 0; i < plan.Slices.Count; i++)
        {
            tokens += plan.Slices[i].TokenIds.Length;
            if (plan.Slices[i].Images.Count > 0)
            {
                return true;
            }
        }

        return (tokens > HostBuffer.FewRows && _workspace.ManyByTorch) || plan.BlockCopies.Count > 0 || _workspace.Collective.Ranks > 1;
    }

    /// <summary>Computes a step's tokens; their keys and values stay in the pages.</summary>
    /// <param name="slices">The step.</param>
    /// <param name="images">Where features are found.</param>
    /// <param name="layerCount">Layers to run; null: all. For tests that look inside.</param>
    public void Forward(IReadOnlyList<SequenceSlice> slices, ImageShelf images, int? layerCount = null)
    {
        _workspace.Step.Fill(slices);
        _workspace.Attention.Begin(_workspace.Step);
        Embed(slices, images);
        for (var layer = 0; layer < (layerCount ?? _layers.Length); layer++)
        {
            _layers[layer].Forward();
        }
    }

    /// <summary>Hidden rows of the last step, [tokens, hidden], a view in the caller's dispose scope, for tests.</summary>
    public Tensor Hidden() => _workspace.Hidden.Rows(_workspace.Step.Tokens);

    /// <summary>Logits after the last token of each slice that samples; <see cref="Row"/> reads them.</summary>
    /// <returns>How many rows there are.</returns>
    public int Logits(IReadOnlyList<SequenceSlice> slices)
    {
        var rows = 0;
        for (var i = 0; i < slices.Count; i++)
        {
            rows += slices[i].Sample is null ? 0 : 1;
        }

        if (rows > 0)
        {
            var picked = _picked.Room(rows);
            for (int i = 0, row = 0; i < slices.Count; i++)
            {
                if (slices[i].Sample is not null)
                {
                    var part = _workspace.Step.Sequence(i);
                    var last = _workspace.Hidden.Memory + ((part.Offset + part.Length - 1) * RowBytes);
                    System.Buffer.MemoryCopy(last, picked + (row++ * RowBytes), RowBytes, RowBytes);
                }
            }

            var text = _workspace.Text;
            _workspace.Norm.Compute(_workspace.Form, picked, rows, _finalNorm, text.Hidden, text.RmsEps, _normed.Room(rows));
            _head.Forward(_normed, rows, _narrow);
            Widen(rows);
        }

        _workspace.Trim();
        return rows;
    }

    /// <summary>Logits of a row, [vocabulary]; valid until the next step.</summary>
    public ReadOnlySpan<float> Row(int row)
    {
        var vocabulary = _workspace.Text.VocabularySize;
        return new ReadOnlySpan<float>(_logits.Memory + ((long)row * vocabulary), vocabulary);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _workspace.Dispose();
        _logits.Dispose();
    }

    /// <summary>(1) and (2).</summary>
    private void Embed(IReadOnlyList<SequenceSlice> slices, ImageShelf images)
    {
        var row = _workspace.Hidden.Room(_workspace.Step.Tokens);
        for (var i = 0; i < slices.Count; i++)
        {
            foreach (var id in slices[i].TokenIds.Span)
            {
                // A placeholder may be past the vocabulary; the image's row comes in its place.
                var local = id - _firstToken;
                if ((uint)local < (uint)_ownTokens)
                {
                    System.Buffer.MemoryCopy(_embedding + (local * RowBytes), row, RowBytes, RowBytes);
                }
                else
                {
                    new Span<byte>(row, (int)RowBytes).Clear();
                }

                row += RowBytes;
            }
        }

        _workspace.AllReduce(_workspace.Hidden, _workspace.Step.Tokens);
        for (var i = 0; i < slices.Count; i++)
        {
            for (var n = 0; n < slices[i].Images.Count; n++)
            {
                using var scope = NewDisposeScope();
                var image = slices[i].Images[n];
                var bytes = image.Count * RowBytes;
                var at = _workspace.Step.Sequence(i).Offset + image.At;
                System.Buffer.MemoryCopy(
                    HostMemory.Of(images.Rows(image)), _workspace.Hidden.Memory + (at * RowBytes), bytes, bytes);
            }
        }
    }

    /// <summary>The ranks' logits side by side, as float32.</summary>
    private void Widen(int rows)
    {
        var vocabulary = _workspace.Text.VocabularySize;
        var logits = _logits.Room((long)rows * vocabulary);
        if (_workspace.Collective.Ranks == 1)
        {
            Numbers.Widen(_workspace.Form, _narrow.Memory, logits, rows * vocabulary);
            return;
        }

        using var scope = NewDisposeScope();
        var all = _workspace.Collective.AllGather(_narrow.Rows(rows), _lengths).contiguous();
        Numbers.Widen(_workspace.Form, HostMemory.Of(all), logits, rows * vocabulary);
    }
}
