using LlavaCluster.Core.Engine;
using static TorchSharp.torch;

namespace LlavaCluster.Model;

/// <summary>Features between torch and plain memory.</summary>
internal static class FeatureTensor
{
    /// <summary>The form in which a device's features travel: float32 stays exact, the others are half as large.</summary>
    public static FeatureType TypeOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => FeatureType.Float32,
        ScalarType.BFloat16 => FeatureType.BFloat16,
        ScalarType.Float16 => FeatureType.Float16,
        _ => throw new ArgumentException($"Features are not computed in {type}.", nameof(type)),
    };

    /// <summary>A copy on the device, in its compute dtype.</summary>
    /// <returns>[tiles, patches, channels], in the caller's dispose scope.</returns>
    public static Tensor ToTensor(ImageFeatures features, TensorDevice device)
    {
        using var scope = NewDisposeScope();
        var type = features.Type switch
        {
            FeatureType.Float32 => ScalarType.Float32,
            FeatureType.BFloat16 => ScalarType.BFloat16,
            _ => ScalarType.Float16,
        };
        var host = empty(features.Tiles, features.PatchesPerTile, features.Channels, dtype: type);
        features.Data.Span.CopyTo(host.bytes);
        return host.to(device.Type, device.Device).MoveToOuterDisposeScope();
    }
}
