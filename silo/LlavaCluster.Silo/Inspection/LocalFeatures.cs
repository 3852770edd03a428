using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Silo.Inspection;

/// <summary>Features straight from this process's encode loop, of images that were added before. Any thread.</summary>
internal sealed class LocalFeatures(IImageEncodeEngine encoder) : IFeatureSource
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ImageHash, (byte[] File, int Users)> _files = [];

    /// <summary>Adds an image file.</summary>
    public ImageHash Add(byte[] file)
    {
        var hash = ImageHash.Of(file);
        Add(hash, file);
        return hash;
    }

    /// <summary>Adds an image file whose address is known.</summary>
    public void Add(ImageHash hash, byte[] file)
    {
        lock (_gate)
        {
            _files[hash] = (file, _files.GetValueOrDefault(hash).Users + 1);
        }
    }

    /// <summary>Takes back one adding; the file is forgotten with the last.</summary>
    public void Remove(ImageHash hash)
    {
        lock (_gate)
        {
            var (file, users) = _files[hash];
            if (users == 1)
            {
                _files.Remove(hash);
            }
            else
            {
                _files[hash] = (file, users - 1);
            }
        }
    }

    /// <inheritdoc/>
    public Task<ImageFeatures> GetAsync(ImageSpan span, string? ignored, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return encoder.EncodeAsync(span.Image, _files[span.Image].File, cancellationToken);
        }
    }
}
