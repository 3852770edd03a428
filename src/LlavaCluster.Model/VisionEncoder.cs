using System.Runtime.InteropServices;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Vision;
using LlavaCluster.Model.Weights;
using static TorchSharp.torch;

namespace LlavaCluster.Model;

/// <summary>
/// The vision tower on one device. Tiles of all images go through it in batches of bounded size. Reads the weights of
/// <see cref="WeightRoles.Vision"/> only.
/// </summary>
public sealed class VisionEncoder : IVisionEncoder
{
    private readonly LlavaConfig _config;
    private readonly TensorDevice _device;
    private readonly ClipVisionTower _tower;
    private readonly FastVisionTower? _fast;
    private readonly ProcessorTurns? _turns;

    /// <summary>Reads the tower's weights; <paramref name="weights"/> is not needed afterwards.</summary>
    /// <param name="config">The checkpoint's numbers.</param>
    /// <param name="weights">The checkpoint's weights.</param>
    /// <param name="device">Where to compute, and in which dtype.</param>
    /// <param name="kernels">Who computes; null: our own kernels where they are faster, else torch.</param>
    public VisionEncoder(LlavaConfig config, IWeightSource weights, TensorDevice device, KernelChoice? kernels = null)
    {
        (_config, _device) = (config, device);
        _tower = new ClipVisionTower(config.Vision, weights, device);
        _fast = kernels == KernelChoice.Torch ? null : FastVisionTower.Of(_tower, config.Vision, device);
        _turns = device.IsCpu ? ProcessorTurns.OfProcess : null;
        // By torch on a CPU one tile fills the machine already, and has the same bits in any company, as our own kernels give it anyway.
        TilesAtOnce = device.IsCpu && _fast is null ? 1 : EncodeLoopOptions.UsualBatchTiles;
    }

    /// <summary>Tiles that go through the tower at once, at most.</summary>
    internal int TilesAtOnce { get; }

    /// <summary>Called with the tiles that go through the tower at once, for tests that look inside.</summary>
    internal Action<int>? Begins { get; set; }

    /// <inheritdoc/>
    public IReadOnlyList<ImageFeatures> Encode(IReadOnlyList<(ImageHash Image, ImageTiles Tiles)> images)
    {
        int side = _config.Vision.ImageSide, tilePixels = 3 * side * side;
        var tileBytes = _config.Vision.Patches * _config.Vision.Hidden * _device.ElementSize;
        var results = new byte[images.Count][];
        var places = new List<(int Image, int Tile)>();
        for (var i = 0; i < images.Count; i++)
        {
            var tiles = images[i].Tiles;
            if (tiles.Side != side || tiles.Bytes.Length != tiles.Count * tilePixels)
            {
                throw new ArgumentException(
                    $"Image {images[i].Image}: {tiles.Count} tiles of side {tiles.Side} with {tiles.Bytes.Length} bytes; "
                    + $"the vision tower takes tiles of side {side}, {tilePixels} bytes each.",
                    nameof(images));
            }

            results[i] = new byte[tiles.Count * tileBytes];
            places.AddRange(Enumerable.Range(0, tiles.Count).Select(tile => (i, tile)));
        }

        _turns?.BeginTower();
        try
        {
            Encode(images, places, results);
        }
        finally
        {
            _turns?.EndTower();
        }

        return [.. images.Select((image, i) => Describe(image.Image, image.Tiles, results[i]))];
    }

    private void Encode(
        IReadOnlyList<(ImageHash Image, ImageTiles Tiles)> images, List<(int Image, int Tile)> places, byte[][] results)
    {
        int side = _config.Vision.ImageSide, tilePixels = 3 * side * side;
        var tileBytes = _config.Vision.Patches * _config.Vision.Hidden * _device.ElementSize;
        using var mode = inference_mode();
        for (var first = 0; first < places.Count; first += TilesAtOnce)
        {
            var batch = places.GetRange(first, Math.Min(TilesAtOnce, places.Count - first));
            Begins?.Invoke(batch.Count);
            using var scope = NewDisposeScope();
            var pixels = empty(batch.Count, 3, side, side, dtype: ScalarType.Float32);
            for (var i = 0; i < batch.Count; i++)
            {
                _turns?.GiveWay();
                var target = MemoryMarshal.Cast<byte, float>(pixels.bytes).Slice(i * tilePixels, tilePixels);
                images[batch[i].Image].Tiles.Normalise(batch[i].Tile, target);
            }

            var input = pixels.to(_device.Type, _device.Device);
            var features = (_fast?.Forward(input) ?? _tower.forward(input, () => _turns?.GiveWay())).cpu().contiguous(); // [tiles, patches, channels]
            for (var i = 0; i < batch.Count; i++)
            {
                _turns?.GiveWay();
                features.bytes.Slice(i * tileBytes, tileBytes).CopyTo(results[batch[i].Image].AsSpan(batch[i].Tile * tileBytes));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _fast?.Dispose();
        _tower.Dispose();
    }

    private ImageFeatures Describe(ImageHash image, ImageTiles tiles, byte[] data) => new(
        image,
        tiles.Geometry.Width,
        tiles.Geometry.Height,
        tiles.Count,
        _config.Vision.Patches,
        _config.Vision.Hidden,
        FeatureTensor.TypeOf(_device.Type),
        data);
}
