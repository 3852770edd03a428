using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Layers;
using LlavaCluster.Model.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Vision;

/// <summary>
/// CLIP's vision tower up to the feature layer: the layers after it and the last norm are not read. The class token takes part in
/// attention and is dropped from the result.
/// </summary>
internal sealed class ClipVisionTower : nn.Module
{
    private readonly Parameter class_embedding;
    private readonly Parameter patch_embedding;
    private readonly Parameter position_embedding;
    private readonly PlainLayerNorm pre_layrnorm; // spelled as in every checkpoint
    private readonly ModuleList<ClipLayer> layers;
    private readonly long _patchSide;

    /// <summary>Reads the tower's weights.</summary>
    public ClipVisionTower(VisionConfig vision, IWeightSource source, TensorDevice device)
        : base(nameof(ClipVisionTower))
    {
        var parts = new WeightParts(source, device, null);
        long hidden = vision.Hidden;
        _patchSide = vision.PatchSide;
        class_embedding = parts.Read("vision_tower.embeddings.class_embedding", hidden);
        patch_embedding = parts.Read("vision_tower.embeddings.patch_embedding.weight", hidden, 3, _patchSide, _patchSide);
        position_embedding = parts.Read("vision_tower.embeddings.position_embedding.weight", vision.Patches + 1, hidden);
        pre_layrnorm = new PlainLayerNorm(parts, "vision_tower.pre_layrnorm", hidden, vision.LayerNormEps);
        layers = [];
        for (var layer = 0; layer < vision.LayersUsed; layer++)
        {
            layers.Add(new ClipLayer(parts, vision, layer));
        }

        RegisterComponents();
    }

    /// <summary>Its layers, for the fast path.</summary>
    public IEnumerable<ClipLayer> Layers => layers;

    /// <summary>What the first encoder layer gets.</summary>
    /// <param name="pixels">[tiles, 3, side, side], compute dtype, normalised.</param>
    /// <returns>[tiles, 1 + patches, hidden]</returns>
    public Tensor Embed(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        long tiles = pixels.shape[0], grid = pixels.shape[2] / _patchSide, hidden = class_embedding.shape[0];

        // The convolution's stride is its size, so it is a linear layer over patches.
        var patches = pixels
            .narrow(2, 0, grid * _patchSide)
            .narrow(3, 0, grid * _patchSide)
            .reshape(tiles, 3, grid, _patchSide, grid, _patchSide)
            .permute(0, 2, 4, 1, 3, 5) // [tiles, rows, columns, 3, patch, patch]
            .reshape(tiles, grid * grid, 3 * _patchSide * _patchSide);
        var embedded = nn.functional.linear(patches, patch_embedding.view(hidden, -1)); // [tiles, patches, hidden]
        var all = cat([class_embedding.expand(tiles, 1, hidden), embedded], 1).Plus(position_embedding); // [tiles, 1 + patches, hidden]
        return pre_layrnorm.forward(all).MoveToOuterDisposeScope();
    }

    /// <param name="pixels">[tiles, 3, side, side], compute dtype, normalised.</param>
    /// <returns>[tiles, patches, hidden]</returns>
    public Tensor forward(Tensor pixels) => forward(pixels, null);

    /// <param name="pixels">[tiles, 3, side, side], compute dtype, normalised.</param>
    /// <param name="beforeLayer">Called before each layer: a place to let others compute. Null: nobody.</param>
    /// <returns>[tiles, patches, hidden]</returns>
    public Tensor forward(Tensor pixels, Action? beforeLayer)
    {
        using var scope = NewDisposeScope();
        var hidden = Embed(pixels);
        foreach (var layer in layers)
        {
            beforeLayer?.Invoke();
            var next = layer.forward(hidden);
            hidden.Dispose();
            hidden = next;
        }

        return hidden.narrow(1, 1, hidden.shape[1] - 1).contiguous().MoveToOuterDisposeScope();
    }
}
