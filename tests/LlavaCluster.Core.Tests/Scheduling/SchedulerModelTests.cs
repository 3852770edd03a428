using FsCheck;
using FsCheck.Fluent;
using Xunit;
using Xunit.Abstractions;

namespace LlavaCluster.Core.Tests.Scheduling;

/// <summary>Any load, in caches that are too small for it: see <see cref="SchedulerModel"/>.</summary>
public sealed class SchedulerModelTests(ITestOutputHelper output)
{
    [Fact]
    public void AnyMoves_ThenDrain_AreAsTheModelSays()
    {
        var (preemptions, cached, forks, heldUp, finished) = (0, 0, 0, 0, 0);
        var (toHost, toDisk, fromHost, fromDisk, lost, forgotten) = (0L, 0L, 0L, 0L, 0L, 0L);
        Prop.ForAll(Gen.Choose(0, 100_000).ToArbitrary(), Gen.Choose(0, 23).ArrayOf().ToArbitrary(), (seed, moves) =>
        {
            var model = new SchedulerModel(seed);
            foreach (var move in moves)
            {
                model.Move(move);
            }

            model.Drain();
            preemptions += model.Preemptions;
            cached += model.Cached;
            forks += model.Forks;
            heldUp += model.HeldUp;
            finished += model.Finished;
            toHost += model.Tiers.ToHost;
            toDisk += model.Tiers.ToDisk;
            fromHost += model.Tiers.FromHost;
            fromDisk += model.Tiers.FromDisk;
            lost += model.Tiers.Lost;
            forgotten += model.Forgotten;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(80).WithStartSize(50).WithEndSize(400));

        output.WriteLine($"{finished} sequences ended, {cached} began in the cache, {forks} by a fork, {heldUp} held up, {preemptions} preemptions");
        output.WriteLine($"blocks: {toHost} to host, {toDisk} to disk, {fromHost} back from host, {fromDisk} back from disk, {lost} lost, {forgotten} forgotten");
        // The test is worth something only when all of it happens.
        Assert.All([preemptions, cached, forks, heldUp, finished, toHost, toDisk, fromHost, fromDisk, lost, forgotten], count => Assert.InRange(count, 10, long.MaxValue));
    }
}
