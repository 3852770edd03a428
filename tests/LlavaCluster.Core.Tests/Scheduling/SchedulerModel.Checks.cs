using LlavaCluster.Core.Scheduling;
using Xunit;

namespace LlavaCluster.Core.Tests.Scheduling;

/// <summary>What must be true of any scheduler.</summary>
internal sealed partial class SchedulerModel
{
    private void CheckPlan(IReadOnlyList<(Sequence Sequence, int Count)> parts, StepPlan plan)
    {
        Assert.InRange(parts.Sum(part => part.Count), 0, _limits.StepTokens);
        Assert.Equal(parts.Count, parts.Select(part => part.Sequence).Distinct().Count());
        Assert.InRange(_scheduler.Running.Count(s => s.HasPlace), parts.Count, _limits.MaxRunning);
        foreach (var (sequence, count) in parts)
        {
            var end = sequence.Computed + count;
            Assert.True(end == sequence.Length || end % _limits.ChunkTokens == 0, $"A chunk ends at {end}, {_limits}.");
            // What is written is nobody else's.
            Assert.DoesNotContain(
                sequence.Blocks[(sequence.Computed / 16)..((end + 15) / 16)], block => _pool.ReferencesOf(block) != 1);
        }

        // Whoever decodes has its token in every step.
        var decoding = _scheduler.Running.Where(s => s.HasPlace && s.Length - s.Computed == 1 && s.MissingImages.Count == 0);
        Assert.Empty(decoding.Except(parts.Select(part => part.Sequence)));
        Assert.Equal(plan.Slices.Select(slice => slice.Sequence), parts.Select(part => part.Sequence.Number));
    }

    private void CheckBlocks()
    {
        var held = _scheduler.Running.SelectMany(sequence => sequence.Blocks).Concat(_tiers.Held).CountBy(block => block).ToDictionary();
        Assert.Equal((_pool.Total, held.Count), (_pool.Free + _pool.Used, _pool.Used));
        Assert.DoesNotContain(held, pair => pair.Value != _pool.ReferencesOf(pair.Key));
        Assert.DoesNotContain(_live.Keys.Except(_scheduler.Running), sequence => sequence.Blocks.Count > 0);
        foreach (var sequence in _scheduler.Running)
        {
            // A forked sequence's copy is made at the beginning of the next step.
            var last = sequence.Computed == sequence.PromptLength - 1 ? sequence.Computed / 16 * 16 : sequence.Computed;
            var states = _live[sequence].States;
            for (var position = 0; position < last; position++)
            {
                var cell = _runner[sequence.Blocks[position / 16], position % 16];
                Assert.True(cell == (position, states[position]), $"Position {position} of sequence {sequence.Number} holds {cell}.");
            }
        }
    }

    /// <summary>
    /// What can be found is what was computed under that key, wherever it has been; and nothing is larger than it may be.
    /// </summary>
    private void CheckTiers()
    {
        foreach (var (key, _) in _cache.Keys)
        {
            _cache.TryGet(key, out var block);
            var cells = _runner.Block(block).ToArray();
            Assert.Equal(_contents.TryAdd(key, cells) ? cells : _contents[key], cells);
        }

        // The chain of each leads to the start.
        Assert.All(_cache.Keys, key => Assert.Equal(
            _contents[key.Key][0].Item1, key.Parent == default ? 0 : _contents[key.Parent][15].Item1 + 1));

        Assert.InRange(_tiers.Counts.Host, 0, _mover.HostSlots);
        Assert.InRange(_tiers.Counts.Disk, 0, _mover.DiskBlocks);
        Assert.InRange(_mover.OnDisk, 0, _mover.DiskBlocks);
    }
}
