using LlavaCluster.Core.Scheduling;
using Xunit;

namespace LlavaCluster.Core.Tests.Scheduling;

/// <summary>What comes when it comes: images, blocks that were moved, the end of a session.</summary>
internal sealed partial class SchedulerModel
{
    private bool MayStart(Sequence sequence, int known)
    {
        Assert.DoesNotContain(sequence, _heldUp);
        Assert.InRange(known, 0, sequence.Length - 1);
        if (_tiers.Promote(sequence, sequence.ShareableKeys(16)))
        {
            return false;
        }

        if (!_imagesComeLate || _random.Next(3) > 0)
        {
            return true;
        }

        _heldUp.Add(sequence);
        HeldUp++;
        return false;
    }

    private TimeSpan Now => TimeSpan.FromSeconds(_steps);

    private void EndMove()
    {
        if (_mover.Begun.Count > 0)
        {
            _mover.End(_random.Next(_mover.Begun.Count));
        }

        while (_moved.TryDequeue(out var moved))
        {
            _tiers.Done(moved.Item1, moved.Item2, Now);
            _scheduler.NoteRoom();
        }
    }

    /// <summary>A chain as a session that is deleted has it: that of a sequence that is there, or was.</summary>
    private void Forget()
    {
        var chain = _chains[_random.Next(_chains.Count)];
        var used = _scheduler.Running.SelectMany(sequence => sequence.Blocks).ToHashSet();
        var running = used.Select(block => _cache.TryGetKey(block, out var key) ? key.Key : default).ToHashSet();
        Forgotten += _tiers.Forget(chain);
        Assert.All(running, key => Assert.True(key == default || _cache.TryGet(key, out _)));
    }

    private void ImagesCome()
    {
        foreach (var sequence in _scheduler.Running)
        {
            sequence.MissingImages.Clear();
        }

        _heldUp.ForEach(_scheduler.LetGo);
        _heldUp.Clear();
    }
}
