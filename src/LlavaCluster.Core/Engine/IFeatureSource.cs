namespace LlavaCluster.Core.Engine;

/// <summary>Where a decode engine gets the features of an image that its cache does not hold. Any thread.</summary>
public interface IFeatureSource
{
    /// <summary>Features of one image; waits while they are being computed.</summary>
    /// <param name="span">The image as it stands in the sequence.</param>
    /// <param name="encoder">Key of the encoder that the gateway chose; null: any.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="LlavaCluster.Core.Imaging.BadImageException">The image cannot be decoded.</exception>
    Task<ImageFeatures> GetAsync(ImageSpan span, string? encoder, CancellationToken cancellationToken);
}
