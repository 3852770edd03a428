using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// Images are asked for, come to the runners, cannot be had, or are no longer needed there. A sequence whose next tokens need an image
/// waits for it in the queue, without blocks; so many of those at once as may run, since the runners keep what came for them.
/// </summary>
internal sealed partial class DecodeWorker
{
    private readonly List<Sequence> _preparing = [];
    private readonly Queue<Sequence> _unprepared = [];

    /// <summary>Whether the first image that a waiting sequence needs behind its known tokens is there; if not, all are asked for.</summary>
    private bool HasItsImage(Sequence sequence, int known)
    {
        // One that was preempted is not overtaken: so that nobody waits for an encoder behind it, it may begin without.
        if (sequence.Preemptions > 0
            || sequence.Request.Images.FirstOrDefault(span => span.End > known) is not { } next || _images.Touch(next.Image))
        {
            return true;
        }

        if (!_preparing.Contains(sequence))
        {
            if (_preparing.Count >= _options.MaxRunning)
            {
                _unprepared.Enqueue(sequence);
                return false;
            }

            _preparing.Add(sequence);
        }

        AskForImages(sequence, known);
        return false;
    }

    private void AskForImages(Sequence sequence, int known)
    {
        foreach (var span in sequence.Request.Images)
        {
            if (span.End > known && !_images.Touch(span.Image))
            {
                sequence.MissingImages.Add(span.Image);
                _images.Fetch(span, sequence.Request.Encoders.GetValueOrDefault(span.Image.Hex));
            }
        }
    }

    /// <summary>
    /// A sequence has begun or is gone, so it does not wait for its images: others may. Also when it never did: one that was let go for
    /// this, and found its image there, took nobody's turn.
    /// </summary>
    private void StopPreparing(Sequence sequence)
    {
        _preparing.Remove(sequence);
        for (var free = _options.MaxRunning - _preparing.Count; free > 0 && _unprepared.TryDequeue(out var next);)
        {
            if (next.IsHeldUp && _live.ContainsKey(next.Number))
            {
                _scheduler.LetGo(next);
                free--;
            }
        }
    }

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
        catch (RankLinkException lost)
        {
            // No fault of the image: whoever waits for it is refused with all others, and can go on elsewhere.
            _broken = true;
            _observer.ImageFailed(features.Image.Hex, [], lost);
            return;
        }
        catch (Exception error)
        {
            _broken |= _link.Followers > 0;
            FailImage(features.Image, error);
            return;
        }

        _images.Loaded(features.Image);
        _imagesChanged = true;
        foreach (var live in _live.Values)
        {
            if (live.Sequence.MissingImages.Remove(features.Image) && live.Sequence.IsHeldUp)
            {
                _scheduler.LetGo(live.Sequence);
            }
        }

        ForgetImages();
    }

    private void FailImage(ImageHash image, Exception error)
    {
        var waiting = _live.Values.Where(live => live.Sequence.MissingImages.Contains(image)).ToArray();
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
            ForgetImage(image);
        }
    }

    /// <summary>Those that no sequence needs are gone at once.</summary>
    private void ForgetImages(IReadOnlyList<ImageSpan> images)
    {
        foreach (var span in images)
        {
            if (!IsNeeded(span.Image) && _images.Take(span.Image))
            {
                ForgetImage(span.Image);
            }
        }
    }

    private void ForgetImage(ImageHash image)
    {
        _link.Send(new ShardMessage.ForgetImage(image));
        _runner.ForgetImage(image);
    }

    private bool IsMissing(ImageHash image) => _live.Values.Any(live => live.Sequence.MissingImages.Contains(image));

    private bool IsNeeded(ImageHash image) =>
        _scheduler.Running.Concat(_preparing).Any(s => s.Request.Images.Any(span => span.Image == image && span.End > s.Computed));
}
