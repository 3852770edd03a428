using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Engine;

/// <summary>A replica of two ranks whose KV leaves the device on both and comes back on both.</summary>
public sealed class FollowerTierTests
{
    private const int Blocks = 12;

    private static readonly ImageSpan[] Picture = [new(4, 50, ImageHash.Of("cat"u8), 8, 6)];

    private readonly FakeModelRunner _runner = new(new RunnerCapacity(Blocks, 16, 1024, FakeModel.Vocabulary), 1);
    private readonly InProcessShardLink _link = new(1);

    [Theory]
    [InlineData(null)]
    [InlineData(3)]
    public async Task Generate_KvWasMovedDownOnBothRanks_IsThereWhenItCameOnBoth(int? lost)
    {
        var mover = MoverOf(_runner);
        _runner.Mover = mover;
        await using var follower = new ShardFollower(1, 0, () => _runner, _link);
        await follower.StartAsync().WaitAsync(Patience);
        FakeModelRunner leader;
        FakeBlockMover? leads = null;
        var prompt = Prompt(100);
        Array.Fill(prompt, FakeModel.Placeholder, 4, 50);
        await using (var host = await StartAsync(blocks: Blocks, link: _link, mover: own => leads = MoverOf(own)))
        {
            leader = host.Runner;
            var answer = await host.TokensAsync(Request(prompt, 10, Picture));
            host.Time.Advance(TimeSpan.FromSeconds(10));
            await host.Loop.RestAsync().WaitAsync(Patience);
            Assert.Equal(6, host.Loop.Load.Tiers!.Host);
            await host.TokensAsync(Request(Prompt(170, 9), 20)); // needs the whole device
            await host.Loop.RestAsync().WaitAsync(Patience);
            mover.Fails = (move, index) => move is TierMove.FromHost && index == lost;
            int[] next = [.. prompt, .. answer, .. Prompt(15, 3)];

            var events = await host.AllAsync(Request(next, 10, Picture)).WaitAsync(Patience);

            // What was lost on the way, on the follower alone, came at a second try with all behind it.
            Assert.Equal(new GenerationEvent.Started(125, 96), events[0]);
            Assert.Equal(lost is null ? 6 : 5 + 3, host.Loop.Load.Tiers!.FromHost);
            Assert.Equal(FakeModel.Answer(next, Picture, 10), TokensOf(events));
            Assert.Equal(lost is null ? [] : ["FromHost: no such luck"], host.Observer.Seen);
        }

        // It computed from what came back, or it would have ended by itself.
        await follower.Completion.WaitAsync(Patience);
        Assert.Equal(leads!.All.Select(move => move.ToString()), mover.All.Select(move => move.ToString()));
        Assert.Equal(leader.Calls, _runner.Calls);
    }

    [Fact]
    public async Task Follower_WithoutSlowerMemory_EndsWhenToldToMove()
    {
        using var link = _link;
        await using var follower = new ShardFollower(1, 0, () => _runner, link);
        await follower.StartAsync().WaitAsync(Patience);

        link.Send(new ShardMessage.Move(0, 1, new TierMove.ToHost([0], [0])));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => follower.Completion.WaitAsync(Patience));
        Assert.Equal("Rank 1 was told to move KV blocks; it has no slower memory for them.", error.Message);
    }

    [Theory]
    [InlineData(0, 2, "Rank 1 was sent move 2 of epoch 0; it is at move 1 of epoch 0.")]
    [InlineData(4, 1, "Rank 1 was sent move 1 of epoch 4; it is at move 1 of epoch 0.")]
    [InlineData(0, 1, "ToHost: slot 100 is not there; this rank has 100.")]
    public async Task Follower_MoveThatCannotBeMeant_Ends(long epoch, long number, string message)
    {
        using var link = _link;
        _runner.Mover = MoverOf(_runner);
        await using var follower = new ShardFollower(1, 0, () => _runner, link);
        await follower.StartAsync().WaitAsync(Patience);

        link.Send(new ShardMessage.Move(epoch, number, new TierMove.ToHost([0], [100])));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => follower.Completion.WaitAsync(Patience));
        Assert.Equal(message, error.Message);
    }

    private static FakeBlockMover MoverOf(FakeModelRunner runner) => new(runner, 100, 0) { EndsAtOnce = true };
}
