using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Engine;

/// <summary>Images come to the runners, cannot be had, or are no longer needed there.</summary>
internal sealed partial class DecodeWorker
{
    private void LoadImage(ImageFeatures features)
    {
        if (!IsMissing(features.Image))
        {
            return;
        }

        try
        {
            _link.Send(new ShardMessage.LoadImage(features));
            _runner.LoadImage(features);
        }
        catch (Exception error)
        {
            _broken |= _link.Followers > 0;
            FailImage(features.Image, error);
            return;
        }

        _images.Loaded(features.Image);
        _imagesChanged = true;
        foreach (var sequence in _scheduler.Running)
        {
            sequence.MissingImages.Remove(features.Image);
        }

        ForgetImages();
    }

    private void FailImage(ImageHash image, Exception error)
    {
        var waiting = _scheduler.Running.Where(s => s.MissingImages.Contains(image)).Select(s => _live[s.Number]).ToArray();
        _observer.ImageFailed(image.Hex, [.. waiting.Select(live => live.Name)], error);
        foreach (var request in waiting.Select(live => live.Request).Distinct())
        {
            Leave(request, error);
        }
    }

    private void ForgetImages()
    {
        // Only then can an image have become one that nobody needs.
        if (!_imagesChanged)
        {
            return;
        }

        _imagesChanged = false;
        foreach (var image in _images.TakeSurplus(IsNeeded))
        {
            _link.Send(new ShardMessage.ForgetImage(image));
            _runner.ForgetImage(image);
        }
    }

    private bool IsMissing(ImageHash image) => _scheduler.Running.Any(s => s.MissingImages.Contains(image));

    private bool IsNeeded(ImageHash image) =>
        _scheduler.Running.Any(s => s.Request.Images.Any(span => span.Image == image && span.End > s.Computed));
}
