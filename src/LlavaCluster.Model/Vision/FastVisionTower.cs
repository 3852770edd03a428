using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Layers;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Vision;

/// <summary>
/// The vision tower's layers by our kernels, over the weights of <see cref="ClipVisionTower"/>; patches are embedded by torch. A tile's
/// features do not depend on the tiles beside it. For bfloat16 where the processor multiplies that itself, for the other types with AVX-512.
/// One thread at a time.
/// </summary>
internal sealed unsafe class FastVisionTower : IDisposable
{
    private readonly ClipVisionTower _tower;
    private readonly VisionConfig _vision;
    private readonly NumberForm _form;
    private readonly MatrixProduct _product;
    private readonly BlockAttention _attention;
    private readonly PageRows _pages;
    private readonly LayerNormRows _norm;
    private readonly QuickGeluRows _gelu;
    private readonly SumRows _sum;
    private readonly WorkerPool _pool;
    private readonly StepLayout _tiles = new();
    private readonly FastClipLayer[] _layers;
    private readonly HostBuffer _hidden;
    private readonly HostBuffer _normed;
    private readonly HostBuffer _fused;
    private readonly HostBuffer _attended;
    private readonly HostBuffer _inner;
    private readonly HostBuffer _keys;
    private readonly HostBuffer _values;

    private FastVisionTower(ClipVisionTower tower, VisionConfig vision, ScalarType type, PanelKernel kernel)
    {
        (_tower, _vision, _form) = (tower, vision, NumberForms.Of(type));

        // Its own threads: the language model's kernels would else wait for whole layers of tiles.
        _pool = new WorkerPool(get_num_threads(), ProcessorTurns.OfProcess);
        var heads = Enumerable.Range(0, vision.Heads).ToArray();
        var headDim = vision.Hidden / vision.Heads;
        var shape = new AttentionShape(
            _form, headDim, vision.Heads, heads, null, isCausal: false, PageWriter.Suits(kernel, _form, headDim));
        (_product, _attention) = (new MatrixProduct(kernel, _pool), new BlockAttention(kernel, _pool, shape));
        (_pages, _norm, _gelu, _sum) = (new PageRows(_pool, shape), new LayerNormRows(_pool), new QuickGeluRows(_pool), new SumRows(_pool));
        _layers = [.. tower.Layers.Select(layer => new FastClipLayer(layer, _product))];
        (_hidden, _normed, _attended) = (Buffer(1), Buffer(1), Buffer(1));
        (_fused, _keys, _values) = (Buffer(3), Buffer(1), Buffer(1));
        _inner = new HostBuffer(type, vision.Intermediate);

        HostBuffer Buffer(int widths) => new(type, (long)widths * vision.Hidden);
    }

    /// <summary>The fast path of a tower; null where there is none for it.</summary>
    public static FastVisionTower? Of(ClipVisionTower tower, VisionConfig vision, TensorDevice device)
    {
        if (!device.IsCpu || vision.Activation != "quick_gelu")
        {
            return null;
        }

        var (path, form) = (KernelPaths.Best, NumberForms.Of(device.Type));
        var kernel = KernelPaths.Kernel(path);
        var isFaster = form == NumberForm.BFloat16 ? kernel.IsFasterThanTorch(form) : path >= KernelPath.Avx512;
        return isFaster ? new FastVisionTower(tower, vision, device.Type, kernel) : null;
    }

    /// <param name="pixels">[tiles, 3, side, side], compute dtype, normalised.</param>
    /// <returns>[tiles, patches, hidden]</returns>
    public Tensor Forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        int tiles = (int)pixels.shape[0], tokens = _vision.Patches + 1, rows = tiles * tokens;
        Embed(pixels, tiles, tokens);
        _tiles.Fill(tiles, tokens);
        _attention.Begin(_tiles);
        var paged = tiles * ((tokens + AttentionShape.BlockTokens - 1) / AttentionShape.BlockTokens) * AttentionShape.BlockTokens;
        _keys.Room(paged);
        _values.Room(paged);
        foreach (var layer in _layers)
        {
            Forward(layer, rows);
        }

        var features = _hidden.Rows(rows).view(tiles, tokens, _vision.Hidden).narrow(1, 1, _vision.Patches).clone();
        Trim();
        return features.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _product.Dispose();
        _attention.Dispose();
        _pages.Dispose();
        _norm.Dispose();
        _gelu.Dispose();
        _sum.Dispose();
        _pool.Dispose();
        Array.ForEach([_hidden, _normed, _fused, _attended, _inner, _keys, _values], buffer => buffer.Dispose());
    }

    /// <summary>Tile by tile: torch's threads are not ours, and give way to nobody.</summary>
    private void Embed(Tensor pixels, int tiles, int tokens)
    {
        _hidden.Room(tiles * tokens);
        using var hidden = _hidden.Rows(tiles * tokens);
        for (var tile = 0; tile < tiles; tile++)
        {
            _pool.GiveWay();
            using var scope = NewDisposeScope();
            hidden.narrow(0, tile * tokens, tokens).copy_(_tower.Embed(pixels.narrow(0, tile, 1))[0]);
        }
    }

    private void Forward(FastClipLayer layer, int rows)
    {
        Normalise(layer.InputNorm, rows);
        layer.Qkv.Forward(_normed, rows, _fused);
        _pages.Compute(_tiles, _fused.Memory, _keys.Memory, _values.Memory);
        _attention.Compute(_fused.Memory, _keys.Memory, _values.Memory, _attended.Room(rows));
        layer.Output.Forward(_attended, rows, _normed);
        _sum.Compute(_form, _hidden.Memory, rows, _vision.Hidden, _normed.Memory);

        Normalise(layer.PostNorm, rows);
        layer.Widening.Forward(_normed, rows, _inner);
        _gelu.Compute(_form, _inner.Memory, rows, _vision.Intermediate);
        layer.Narrowing.Forward(_inner, rows, _normed);
        _sum.Compute(_form, _hidden.Memory, rows, _vision.Hidden, _normed.Memory);
    }

    private void Normalise(FastClipLayer.Norm norm, int rows) => _norm.Compute(
        _form, _hidden.Memory, rows, norm.Weight, norm.Bias, _vision.Hidden, norm.Eps, _normed.Room(rows));

    /// <summary>Gives back what many tiles took.</summary>
    private void Trim() => Array.ForEach([_hidden, _normed, _fused, _attended, _inner, _keys, _values], buffer => buffer.Trim());
}
