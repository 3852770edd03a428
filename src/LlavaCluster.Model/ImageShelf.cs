using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Vision;
using LlavaCluster.Model.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model;

/// <summary>The images of a runner, projected and packed once, until they are forgotten. Engine thread only.</summary>
internal sealed class ImageShelf : IDisposable
{
    private readonly LlavaConfig _config;
    private readonly TensorDevice _device;
    private readonly Projector _projector;
    private readonly Parameter? _newline;
    private readonly Dictionary<ImageHash, Tensor> _packed = [];

    /// <summary>Reads projector and new-line vector.</summary>
    public ImageShelf(LlavaConfig config, IWeightSource weights, TensorDevice device)
    {
        (_config, _device) = (config, device);
        _projector = new Projector(config, weights, device);
        _newline = config.Kind == LlavaKind.LlavaNext
            ? new Layers.WeightParts(weights, device, null).Read("image_newline", config.Text.Hidden)
            : null;
    }

    /// <summary>Projects and packs an image; nothing happens when it is there.</summary>
    /// <exception cref="ArgumentException">The features are not those of this model for a picture of this size.</exception>
    public void Load(ImageFeatures features)
    {
        if (_packed.ContainsKey(features.Image))
        {
            return;
        }

        var geometry = AnyResGrid.Layout(_config.Images, features.Width, features.Height);
        if (features.Tiles != geometry.Tiles || features.PatchesPerTile != _config.Vision.Patches
            || features.Channels != _config.Vision.Hidden || features.Data.Length != features.ExpectedBytes)
        {
            throw new ArgumentException(
                $"Features of image {features.Image} ({features.Width}×{features.Height}) are {features.Tiles} tiles × "
                + $"{features.PatchesPerTile} patches × {features.Channels} channels in {features.Data.Length} bytes; this model has "
                + $"{geometry.Tiles} × {_config.Vision.Patches} × {_config.Vision.Hidden}. Encoder and decoder must serve one checkpoint.",
                nameof(features));
        }

        using var scope = NewDisposeScope();
        var projected = _projector.forward(FeatureTensor.ToTensor(features, _device)); // [tiles, patches, hidden]
        _packed.Add(features.Image, FeaturePacker.Pack(projected, geometry, _newline).DetachFromDisposeScope());
    }

    /// <summary>Drops an image; nothing happens when it is not there.</summary>
    public void Forget(ImageHash image)
    {
        if (_packed.Remove(image, out var packed))
        {
            packed.Dispose();
        }
    }

    /// <summary>The image's tokens that a slice needs.</summary>
    /// <returns>[slice.Count, hidden], a view in the caller's dispose scope.</returns>
    /// <exception cref="InvalidOperationException">The image was not loaded, or has no such tokens.</exception>
    public Tensor Rows(ImageSlice slice)
    {
        if (!_packed.TryGetValue(slice.Image, out var packed))
        {
            throw new InvalidOperationException($"The plan needs image {slice.Image}, which was not loaded.");
        }

        return slice.FirstToken >= 0 && slice.Count > 0 && slice.FirstToken + slice.Count <= packed.shape[0]
            ? packed.narrow(0, slice.FirstToken, slice.Count)
            : throw new InvalidOperationException(
                $"The plan needs tokens {slice.FirstToken} to {slice.FirstToken + slice.Count - 1} of image {slice.Image}, "
                + $"which has {packed.shape[0]}.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var packed in _packed.Values)
        {
            packed.Dispose();
        }

        _packed.Clear();
        _projector.Dispose();
        _newline?.Dispose();
    }
}
