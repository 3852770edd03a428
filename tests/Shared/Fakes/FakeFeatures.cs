using System.Collections.Concurrent;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Tests.Fakes;

/// <summary>Gives features of the right shape for any image; counts, and can be held back or made to fail per image.</summary>
internal sealed class FakeFeatureSource : IFeatureSource
{
    public ConcurrentDictionary<ImageHash, int> Asked { get; } = new();

    public ConcurrentDictionary<ImageHash, Exception> Failures { get; } = new();

    /// <summary>Awaited before an answer, with the caller's token.</summary>
    public Func<ImageHash, CancellationToken, Task> Before { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>What is given.</summary>
    public Func<ImageSpan, ImageFeatures> Answer { get; set; } = span => FeaturesOf(span.Image, span.Width, span.Height);

    public static ImageFeatures FeaturesOf(ImageHash image, int width, int height) =>
        new(image, width, height, 1, 2, 4, FeatureType.BFloat16, Convert.FromHexString(image.Hex[..32]));

    public async Task<ImageFeatures> GetAsync(ImageSpan span, string? encoder, CancellationToken cancellationToken)
    {
        Asked.AddOrUpdate(span.Image, 1, (_, n) => n + 1);
        await Before(span.Image, cancellationToken);
        return Failures.TryGetValue(span.Image, out var failure) ? throw failure : Answer(span);
    }
}
