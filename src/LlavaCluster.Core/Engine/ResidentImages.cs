using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// Which images the runners have, and which are on their way. An image whose last user has gone stays for a while, so that the
/// next turn, or a preempted sequence, finds it. Engine thread only; features are fetched on pool threads.
/// </summary>
internal sealed class ResidentImages(IFeatureSource source, int idle, Action<EngineCommand> post)
{
    private readonly Dictionary<ImageHash, CancellationTokenSource> _fetching = [];
    private readonly LinkedList<ImageHash> _loaded = [];

    /// <summary>True when the runners have it; it counts as used now.</summary>
    public bool Touch(ImageHash image)
    {
        if (!_loaded.Remove(image))
        {
            return false;
        }

        _loaded.AddLast(image);
        return true;
    }

    /// <summary>Asks for an image's features unless they are on their way.</summary>
    public void Fetch(ImageSpan span, string? encoder)
    {
        if (_fetching.ContainsKey(span.Image))
        {
            return;
        }

        var cancel = new CancellationTokenSource();
        _fetching.Add(span.Image, cancel);
        var token = cancel.Token;
        _ = Task.Run(() => FetchAsync(span, encoder, token), CancellationToken.None);
    }

    /// <summary>False when nobody asks for it any more: it was given up.</summary>
    public bool Came(ImageHash image)
    {
        if (!_fetching.Remove(image, out var cancel))
        {
            return false;
        }

        cancel.Dispose();
        return true;
    }

    /// <summary>The runners have it now.</summary>
    public void Loaded(ImageHash image) => _loaded.AddLast(image);

    /// <summary>Gives up fetching what nobody needs.</summary>
    public void GiveUpUnless(Func<ImageHash, bool> needed)
    {
        foreach (var (image, cancel) in _fetching.Where(f => !needed(f.Key)).ToArray())
        {
            _fetching.Remove(image);
            cancel.Cancel();
            cancel.Dispose();
        }
    }

    /// <summary>Images that the runners may forget: unused ones past the number kept, longest unused first.</summary>
    public IReadOnlyList<ImageHash> TakeSurplus(Func<ImageHash, bool> needed)
    {
        var unused = _loaded.Where(image => !needed(image)).ToArray();
        var surplus = unused[..Math.Max(0, unused.Length - idle)];
        foreach (var image in surplus)
        {
            _loaded.Remove(image);
        }

        return surplus;
    }

    /// <summary>The runners may forget this image; false when they do not have it.</summary>
    public bool Take(ImageHash image) => _loaded.Remove(image);

    private async Task FetchAsync(ImageSpan span, string? encoder, CancellationToken cancellationToken)
    {
        try
        {
            var features = await source.GetAsync(span, encoder, cancellationToken).ConfigureAwait(false);
            Check(span, features);
            post(new EngineCommand.FeaturesCame(span.Image, features));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Given up: nobody waits.
        }
        catch (Exception error)
        {
            post(new EngineCommand.FeaturesFailed(span.Image, error));
        }
    }

    private static void Check(ImageSpan span, ImageFeatures features)
    {
        if (features.Image != span.Image || features.Width != span.Width || features.Height != span.Height)
        {
            throw new InvalidOperationException(
                $"Features are of image {features.Image} with {features.Width}×{features.Height} pixels; " +
                $"the sequence has {span.Image} with {span.Width}×{span.Height}.");
        }

        if (features.Data.Length != features.ExpectedBytes)
        {
            throw new InvalidOperationException(
                $"Features of image {span.Image} have {features.Data.Length} bytes; their shape asks for {features.ExpectedBytes}.");
        }
    }
}
