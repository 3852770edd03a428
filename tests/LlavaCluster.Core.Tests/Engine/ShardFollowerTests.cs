using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Engine;

public sealed class ShardFollowerTests
{
    private static readonly RunnerCapacity Capacity = new(64, 16, 1024, FakeModel.Vocabulary);

    [Fact]
    public async Task Followers_DoWhatTheLeaderDoes_InTheSameOrder()
    {
        var link = new InProcessShardLink(2);
        FakeModelRunner[] runners = [new(Capacity, 1), new(Capacity, 2)];
        await using var first = new ShardFollower(1, 0, () => runners[0], link);
        await using var second = new ShardFollower(2, 0, () => runners[1], link);
        await first.StartAsync().WaitAsync(Patience);
        await second.StartAsync().WaitAsync(Patience);
        ImageSpan[] images = [new(3, 20, ImageHash.Of("cat"u8), 8, 6)];
        var prompt = Prompt(40);
        Array.Fill(prompt, FakeModel.Placeholder, 3, 20);
        FakeModelRunner leader;
        await using (var host = await StartAsync(link: link))
        {
            leader = host.Runner;
            Assert.Equal(FakeModel.Answer(prompt, images, 5), await host.TokensAsync(Request(prompt, 5, images)));
        }

        await Task.WhenAll(first.Completion, second.Completion).WaitAsync(Patience);
        Assert.All(runners, runner => Assert.Equal(leader.Calls, runner.Calls));
        Assert.All(runners, runner => Assert.True(runner.IsDisposed));
    }

    [Theory]
    [InlineData(0, 1, "Rank 1 was sent step 1 of epoch 0; it is at step 0 of epoch 0.")]
    [InlineData(7, 0, "Rank 1 was sent step 0 of epoch 7; it is at step 0 of epoch 0.")]
    public async Task Follower_AnotherEpochOrStep_Ends(long epoch, long step, string message)
    {
        using var link = new InProcessShardLink(1);
        await using var follower = new ShardFollower(1, 0, () => new FakeModelRunner(Capacity, 1), link);
        await follower.StartAsync().WaitAsync(Patience);

        link.Send(new ShardMessage.Run(new StepPlan(epoch, step, [])));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => follower.Completion.WaitAsync(Patience));
        Assert.Equal(message, error.Message);
    }

    [Fact]
    public async Task Leader_StepFailsWithFollowers_RefusesWhatItHasAndServesNoMore()
    {
        var link = new InProcessShardLink(1);
        await using var follower = new ShardFollower(1, 0, () => new FakeModelRunner(Capacity, 1), link);
        await follower.StartAsync().WaitAsync(Patience);
        await using var host = await StartAsync(link: link);
        host.Runner.BeforeStep = _ => throw new InvalidOperationException("lost a rank");

        // Refused, not failed: the turn is not over, another formation of the ranks goes on with it.
        await Assert.ThrowsAsync<SequenceRefusedException>(() => host.AllAsync(Request(Prompt(20))).WaitAsync(Patience));

        await host.Loop.Completion.WaitAsync(Patience);
        Assert.False(host.Loop.IsHealthy);
        await Assert.ThrowsAsync<SequenceRefusedException>(() => host.AllAsync(Request(Prompt(20))));
    }
}
