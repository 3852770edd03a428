using System.Collections.Concurrent;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Silo.Inspection;

/// <summary>Features straight from this process's encode loop, of images that were added before. Any thread.</summary>
internal sealed class LocalFeatures(IImageEncodeEngine encoder) : IFeatureSource
{
    private readonly ConcurrentDictionary<ImageHash, byte[]> _files = new();

    /// <summary>Adds an image file.</summary>
    public ImageHash Add(byte[] file)
    {
        var hash = ImageHash.Of(file);
        _files.TryAdd(hash, file);
        return hash;
    }

    /// <inheritdoc/>
    public Task<ImageFeatures> GetAsync(ImageSpan span, string? ignored, CancellationToken cancellationToken) =>
        encoder.EncodeAsync(span.Image, _files[span.Image], cancellationToken);
}
