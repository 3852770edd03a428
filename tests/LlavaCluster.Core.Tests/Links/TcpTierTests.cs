using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Tests.Engine;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;
using static LlavaCluster.Core.Tests.Links.PlanLinks;

namespace LlavaCluster.Core.Tests.Links;

/// <summary>KV of two ranks, of which one is behind a connection, leaves the device on both and comes back on both, or on neither.</summary>
public sealed class TcpTierTests
{
    private const int Blocks = 12, Kept = 6;

    private static readonly KvTierOptions AtOnce = new() { HostAfter = TimeSpan.Zero, DiskAfter = TimeSpan.Zero, GroupBlocks = 4 };

    private readonly FakeModelRunner _runner = new(new RunnerCapacity(Blocks, 16, 1024, FakeModel.Vocabulary), 1);

    [Theory]
    [InlineData(100, 0)]
    [InlineData(Kept, 100)]
    public async Task Generate_KvWasMovedDown_IsThereWhenItCameOnBothRanks(int slots, int disk)
    {
        var (link, ends) = await FormAsync(1);
        using var end = ends[0];
        var mover = Use(new FakeBlockMover(_runner, slots, disk) { EndsAtOnce = true });
        await using var follower = await FollowAsync(end);
        FakeBlockMover? leads = null;
        var prompt = Prompt(100);
        FakeModelRunner leader;
        await using (var host = await LeadAsync(link, own => leads = new FakeBlockMover(own, slots, disk) { EndsAtOnce = true }))
        {
            leader = host.Runner;
            var answer = await host.TokensAsync(Request(prompt, 10));
            await RestAsync(host);
            Assert.Equal(Kept, disk > 0 ? host.Loop.Load.Tiers!.Disk : host.Loop.Load.Tiers!.Host);
            await host.TokensAsync(Request(Prompt(170, 9), 20)); // needs the whole device
            await RestAsync(host);
            int[] next = [.. prompt, .. answer, .. Prompt(15, 3)];

            var events = await host.AllAsync(Request(next, 10)).WaitAsync(Patience);

            Assert.Equal(new GenerationEvent.Started(125, Kept * 16), events[0]);
            Assert.Equal(FakeModel.Answer(next, [], 10), TokensOf(events));
            Assert.Equal(Kept, host.Loop.Load.Tiers!.FromHost + host.Loop.Load.Tiers.FromDisk);
            Assert.Equal(disk > 0, host.Loop.Load.Tiers.FromDisk > 0);
            Assert.Empty(host.Observer.Seen);
        }

        // It computed from what came back, or it would have ended by itself.
        await follower.Completion.WaitAsync(Patience);
        Assert.Equal(leads!.All.Select(Described), mover.All.Select(Described));
        Assert.Equal(leader.Calls, _runner.Calls);
    }

    [Fact]
    public async Task Save_FailsOnTheFollower_IsSavedOnNeitherRankUntilBothCan()
    {
        var (link, ends) = await FormAsync(1);
        using var end = ends[0];
        var isFull = true;
        var mover = Use(new FakeBlockMover(_runner, 100, 100) { EndsAtOnce = true, Fails = (move, _) => isFull && move is TierMove.ToDisk });
        await using var follower = await FollowAsync(end);
        FakeBlockMover? leads = null;
        await using var host = await LeadAsync(link, own => leads = new FakeBlockMover(own, 100, 100) { EndsAtOnce = true });
        var prompt = Prompt(100);
        var answer = await host.TokensAsync(Request(prompt, 10));
        await RestAsync(host);
        Assert.Equal((Kept, 0), (host.Loop.Load.Tiers!.Host, host.Loop.Load.Tiers.Disk));
        Assert.Equal(["ToDisk: Rank 1: no such luck"], host.Observer.Seen);

        // What the leader wrote goes before the next move.
        await host.TokensAsync(Request(Prompt(170, 9), 20));
        await RestAsync(host);
        Assert.Equal((0, 0), (leads!.OnDisk, mover.OnDisk));
        int[] next = [.. prompt, .. answer, .. Prompt(15, 3)];
        var events = await host.AllAsync(Request(next, 10)).WaitAsync(Patience);
        Assert.Equal(new GenerationEvent.Started(125, Kept * 16), events[0]);
        Assert.Equal(FakeModel.Answer(next, [], 10), TokensOf(events));

        isFull = false;
        host.Time.Advance(AtOnce.DiskRetryAfter);
        await RestAsync(host);

        Assert.Equal(host.Loop.Load.Tiers!.Disk, leads.OnDisk);
        Assert.Equal(leads.OnDisk, mover.OnDisk);
        Assert.InRange(mover.OnDisk, Kept, 100);
    }

    [Fact]
    public async Task Follower_LostWhileBlocksAreOnTheirWay_LetsNobodyWait()
    {
        var (link, ends) = await FormAsync(1);
        using var end = ends[0];
        var stuck = Use(new StuckMover(new FakeBlockMover(_runner, 100, 0) { EndsAtOnce = true }));
        await using var follower = await FollowAsync(end);
        await using var host = await LeadAsync(link, own => new FakeBlockMover(own, 100, 0) { EndsAtOnce = true });
        await host.TokensAsync(Request(Prompt(100), 10));
        await RestAsync(host);
        await host.TokensAsync(Request(Prompt(170, 9), 20));
        await RestAsync(host);
        var turn = host.AllAsync(Request(Prompt(110), 10));
        await stuck.Reached.WaitAsync(Patience);

        end.Dispose();

        // Refused, not failed: another formation of the ranks goes on with it.
        await Assert.ThrowsAsync<SequenceRefusedException>(() => turn.WaitAsync(Patience));
        Assert.Equal("FromHost: Rank 1 has left.", host.Observer.Seen.First());
    }

    [Theory]
    [InlineData(new long[] { 7 }, new int[0], "It answers move 7; the last one was 1.")]
    [InlineData(new long[] { 1, 1 }, new int[0], "It answers move 1 twice.")]
    [InlineData(new long[] { 1 }, new[] { 2 }, "It says that block 2 of move 1 failed; the move has 2.")]
    [InlineData(new long[] { 1 }, new[] { -1 }, "It says that block -1 of move 1 failed; the move has 2.")]
    [InlineData(new long[] { 0 }, new int[0], "A message between ranks is damaged: move 0 took 0 ticks.")]
    public async Task Follower_AnswersNonsense_IsLostByName(long[] numbers, int[] failed, string what)
    {
        var lost = new TaskCompletionSource<string>();
        var (link, ends) = await FormAsync(1, (_, reason) => lost.TrySetResult(reason));
        using var end = ends[0];
        using var leader = link;
        var own = new FakeBlockMover(_runner, 4, 0);
        var replica = new ReplicaMover(own, new ReplicaMoves(link, 0));
        var done = new TaskCompletionSource<TierMoveResult>();
        replica.Begin(new TierMove.ToHost([0, 1], [2, 3]), (_, result) => done.TrySetResult(result));

        foreach (var number in numbers)
        {
            end.Answer(1, new MoveAnswer(number, new TierMoveResult(failed, TimeSpan.Zero)));
        }

        Assert.Equal($"Rank 1 sent nonsense. {what}", await lost.Task.WaitAsync(Patience));
        var result = await done.Task.WaitAsync(Patience);
        Assert.Equal([0, 1], result.Failed);
        Assert.Equal(await lost.Task, result.Error!.Message);

        // Nor does any later one arrive, whether or not its rank can still be told.
        var late = new TaskCompletionSource<TierMoveResult>();
        replica.Begin(new TierMove.ToHost([0], [2]), (_, result) => late.TrySetResult(result));
        Assert.Equal([0], (await late.Task.WaitAsync(Patience)).Failed);
    }

    [Fact]
    public async Task Follower_AnswersWhatNobodyAsked_IsLost()
    {
        var lost = new TaskCompletionSource<string>();
        var (link, ends) = await FormAsync(1, (_, reason) => lost.TrySetResult(reason));
        using var end = ends[0];
        using var leader = link;

        end.Answer(1, new MoveAnswer(1, new TierMoveResult([], TimeSpan.Zero)));

        Assert.Equal(
            "Rank 1 sent nonsense. A message between ranks is damaged: a follower sends no Answer.", await lost.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task Answer_LeaderIsGone_IsDropped()
    {
        var (link, ends) = await FormAsync(1);
        using var end = ends[0];
        link.Dispose();
        Assert.IsType<ShardMessage.Stop>(end.Receive(1, default));

        // A mover's thread says it, with nobody behind it.
        end.Answer(1, new MoveAnswer(1, new TierMoveResult([], TimeSpan.Zero)));
        end.Dispose();
        end.Answer(1, new MoveAnswer(2, new TierMoveResult([], TimeSpan.Zero)));
    }

    private T Use<T>(T mover)
        where T : IBlockMover
    {
        _runner.Mover = mover;
        return mover;
    }

    private async Task<ShardFollower> FollowAsync(TcpShardFollowerLink end)
    {
        var follower = new ShardFollower(1, 0, () => _runner, end);
        await follower.StartAsync().WaitAsync(Patience);
        return follower;
    }

    private static Task<DecodeLoopHost> LeadAsync(TcpShardLink link, Func<FakeModelRunner, IBlockMover> mover) =>
        StartAsync(new DecodeLoopOptions { Tiers = AtOnce }, Blocks, link: link, mover: mover);

    private static Task RestAsync(DecodeLoopHost host) => host.Loop.RestAsync().WaitAsync(Patience);

    private static string Described(TierMove move)
    {
        var to = new WireWriter();
        ShardFrame.Write(new ShardMessage.Move(0, 0, move), to);
        return Convert.ToHexString(to.Written);
    }

    /// <summary>Never brings anything up.</summary>
    private sealed class StuckMover(IBlockMover inner) : IBlockMover
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reached => _reached.Task;

        public long BlockBytes => inner.BlockBytes;

        public int HostSlots => inner.HostSlots;

        public int DiskBlocks => inner.DiskBlocks;

        public void Begin(TierMove move, Action<TierMove, TierMoveResult> done)
        {
            if (move is TierMove.FromHost)
            {
                _reached.TrySetResult();
            }
            else
            {
                inner.Begin(move, done);
            }
        }
    }
}
