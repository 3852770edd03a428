using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;
using static LlavaCluster.Core.Tests.Moving.TwoReplicas;

namespace LlavaCluster.Core.Tests.Moving;

/// <summary>A conversation that one replica of two ranks has computed goes on at another, each of whose ranks fetches its part.</summary>
public sealed class RankMoveTests
{
    [Fact]
    public async Task Generate_ConversationOfAnotherReplica_FindsItsKvOnBothRanks()
    {
        await using var old = await RankedReplica.StartAsync();
        var next = await old.TalkAsync();
        await using (var other = await RankedReplica.StartAsync())
        {
            Assert.Equal(96, await other.GoOnAsync(next, old.Addresses));

            // One connection holds the blocks, one for each rank brings its part.
            Assert.Equal(["fetched 6 of 6, 0 damaged, 3 connections"], other.Host.Observer.Seen);
            Assert.Empty(other.Host.Features.Asked);
            Assert.Equal(6, other.Host.Loop.Load.Moves!.Blocks);
            await old.UntilNothingIsLentAsync();
            await other.Host.Loop.StopAsync().WaitAsync(Patience);
            // It computed from what came, or it would have ended by itself.
            await other.FollowerEnded.WaitAsync(Patience);
            Assert.Equal(other.Host.Runner.Calls, other.FollowerRunner.Calls);
        }

        // And both ranks of the old one still do the same.
        Assert.Equal(96, await old.GoOnAsync(next, []));
    }

    [Fact]
    public async Task Generate_AllRanksAreInOneProcess_EachFetchesItsPartFromTheOnePort()
    {
        var (lent, next) = (new LentParts(), Array.Empty<int>());
        var (oldLink, newLink) = (new InProcessShardLink(1), new InProcessShardLink(1));
        await using var oldFollower = new ShardFollower(1, 0, Runner, oldLink, Client(), lent);
        await oldFollower.StartAsync().WaitAsync(Patience);
        await using var old = await StartAsync(link: oldLink, moves: Client(), lent: lent);
        await using var server = new KvServer(IPAddress.Loopback, RankedReplica.Shape, old.Loop, new KvMoveOptions(), lent);
        next = [.. Conversation(), .. await old.TokensAsync(Request(Conversation(), 10, Picture)), .. Prompt(2, 3)];
        await using var newFollower = new ShardFollower(1, 0, Runner, newLink, Client(), new LentParts());
        await newFollower.StartAsync().WaitAsync(Patience);
        await using var other = await StartAsync(link: newLink, moves: Client(), lent: new LentParts());
        var address = server.Address.ToString();

        var events = await other.AllAsync(Request(next, 10, Picture) with { KvFrom = [address, address] }).WaitAsync(Patience);

        Assert.Equal(new GenerationEvent.Started(112, 96), events[0]);
        Assert.Equal(FakeModel.Answer(next, Picture, 10), TokensOf(events));
        await old.UntilAsync(load => load.FreeBlocks == load.TotalBlocks && lent.Count == 0);

        static FakeModelRunner Runner() => new(new RunnerCapacity(64, 16, 1024, FakeModel.Vocabulary), 1);
        static KvClient Client() => new(RankedReplica.Shape, Patient, TimeProvider.System);
    }

    [Fact]
    public async Task Generate_StreamOfOneRankBreaks_GoesOnBehindWhatCame()
    {
        var calls = 0;
        await using var old = await RankedReplica.StartAsync(rank => new KvMoveOptions
        {
            Secure = (stream, _) => rank == 1 && ++calls == 1 ? new FaultyStream(stream, AnswerBytes + (2 * SentBlockBytes) + 100) : stream,
        });
        await using var other = await RankedReplica.StartAsync();

        Assert.Equal(96, await other.GoOnAsync(await old.TalkAsync(), old.Addresses));

        Assert.Equal(["fetched 6 of 6, 0 damaged, 4 connections"], other.Host.Observer.Seen);
        await old.UntilNothingIsLentAsync();
    }

    [Fact]
    public async Task Generate_OneRankBringsNothing_IsComputedOnBoth()
    {
        await using var old = await RankedReplica.StartAsync(rank => new KvMoveOptions
        {
            Secure = (stream, _) => rank == 1 ? new FaultyStream(stream, AnswerBytes + 100) : stream,
        });
        await using var other = await RankedReplica.StartAsync();

        Assert.Equal(0, await other.GoOnAsync(await old.TalkAsync(), old.Addresses));

        Assert.StartsWith("fetched 0 of 6, 0 damaged, 3 connections: Rank 1: ", Assert.Single(other.Host.Observer.Seen));
        await old.UntilNothingIsLentAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Generate_BlockComesDamagedOnOneRank_IsDroppedOnBoth(int damaged)
    {
        var calls = 0;
        await using var old = await RankedReplica.StartAsync(rank => new KvMoveOptions
        {
            // The first connection to rank 0 holds.
            Secure = (stream, _) => rank == damaged && ++calls == (rank == 0 ? 2 : 1)
                ? new FaultyStream(stream, changed: AnswerBytes + (2 * SentBlockBytes) + 40 + 77)
                : stream,
        });
        await using var other = await RankedReplica.StartAsync();

        Assert.Equal(32, await other.GoOnAsync(await old.TalkAsync(), old.Addresses));

        Assert.Equal(["fetched 5 of 6, 1 damaged, 3 connections"], other.Host.Observer.Seen);
        Assert.Equal(1, other.Host.Loop.Load.Moves!.Damaged);
    }

    [Fact]
    public async Task Generate_OtherReplicaIsNotSplitAlike_IsToldWhatDiffersAndComputes()
    {
        await using var old = await RankedReplica.StartAsync(shape: RankedReplica.Shape with { Dtype = "bfloat16" });
        var next = await old.TalkAsync();
        await using var other = await RankedReplica.StartAsync();
        await using var one = await StartAsync(moves: new KvClient(Shape, Patient, TimeProvider.System));

        Assert.Equal(0, await other.GoOnAsync(next, old.Addresses));
        await one.AllAsync(Request(next, 10, Picture) with { KvFrom = old.Addresses }).WaitAsync(Patience);

        Assert.Equal(
            ["fetched 0 of 6, 0 damaged, 1 connections: This replica has dtype bfloat16, the caller has float32. KV moves between replicas that are started alike."],
            other.Host.Observer.Seen);
        Assert.Equal(
            ["fetched 0 of 6, 0 damaged, 1 connections: This replica has tensor-parallel 2, the caller has 1. KV moves between replicas that are started alike."],
            one.Observer.Seen);
    }

    [Fact]
    public async Task Generate_OtherReplicaHasForgotten_IsComputed()
    {
        await using var old = await RankedReplica.StartAsync();
        var next = await old.TalkAsync();
        Assert.Equal(6, await old.Host.Loop.ForgetAsync(Request(next, 1, Picture)).WaitAsync(Patience));
        await using var other = await RankedReplica.StartAsync();

        Assert.Equal(0, await other.GoOnAsync(next, old.Addresses));

        Assert.Equal(["fetched 0 of 6, 0 damaged, 1 connections"], other.Host.Observer.Seen);
        await old.UntilNothingIsLentAsync();
    }

    [Fact]
    public async Task Generate_BlocksWereNotHeldUntilAllRanksHadThem_IsComputed()
    {
        await using var old = await RankedReplica.StartAsync(_ => new KvMoveOptions { HoldPatience = TimeSpan.FromMilliseconds(50) });
        var next = await old.TalkAsync();
        var late = new LateSource();
        await using var other = await RankedReplica.StartAsync(source: (rank, client) => rank == 1 ? late.Over(client) : client);
        var turn = other.GoOnAsync(next, old.Addresses);

        // The follower has its part, or was too late; it says so only when the loan is over.
        await late.FetchedAsync();
        await old.UntilNothingIsLentAsync();
        late.Open();

        Assert.Equal(0, await turn);
        var told = Assert.Single(other.Host.Observer.Seen);
        Assert.StartsWith("fetched 0 of 6, 0 damaged, 3 connections: ", told);
        Assert.True(late.Arrived < 6 || told.EndsWith("The other replica did not hold the blocks until all ranks had theirs.", StringComparison.Ordinal), told);
    }

    [Fact]
    public async Task Generate_RankThatFetchesIsLost_NothingStaysLent()
    {
        await using var old = await RankedReplica.StartAsync();
        var next = await old.TalkAsync();
        var late = new LateSource();
        await using var other = await RankedReplica.StartAsync(source: (rank, client) => rank == 1 ? late.Over(client) : client);
        var turn = other.GoOnAsync(next, old.Addresses);
        await late.FetchedAsync();

        other.End.Dispose();

        // Refused, not failed: another formation of the ranks goes on with it.
        await Assert.ThrowsAsync<SequenceRefusedException>(() => turn);
        Assert.Contains("Rank 1 has left.", other.Host.Observer.Seen.First());
        await old.UntilNothingIsLentAsync();
        late.Open();
    }

    [Fact]
    public async Task Generate_RankThatLendsIsLost_IsComputed()
    {
        var late = new LateSource();
        await using var other = await RankedReplica.StartAsync(source: (rank, client) => rank == 1 ? late.Over(client) : client);
        await using var old = await RankedReplica.StartAsync();
        var turn = other.GoOnAsync(await old.TalkAsync(), old.Addresses);
        await late.FetchedAsync();
        Assert.All(old.Lent, parts => Assert.Equal(1, parts.Count));

        // The formation is over: what its blocks hold from now on is another one's.
        old.End.Dispose();
        await old.FollowerEnded.WaitAsync(Patience);
        await old.Host.Loop.StopAsync().WaitAsync(Patience);
        Assert.All(old.Lent, parts => Assert.Equal(0, parts.Count));
        late.Open();

        Assert.Equal(0, await turn);
        Assert.Equal(
            ["fetched 0 of 6, 0 damaged, 3 connections: The other replica did not hold the blocks until all ranks had theirs."], other.Host.Observer.Seen);
    }

    [Fact]
    public async Task Forget_ConversationIsOnItsWay_IsNotKeptOnAnyRank()
    {
        await using var old = await RankedReplica.StartAsync();
        var next = await old.TalkAsync();
        var late = new LateSource();
        await using var other = await RankedReplica.StartAsync(source: (rank, client) => rank == 1 ? late.Over(client) : client);
        using var cancel = new CancellationTokenSource();
        var conversation = Request(next, 10, Picture);
        var turn = other.Host.AllAsync(conversation with { KvFrom = old.Addresses }, cancel.Token);
        await late.FetchedAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => turn);

        // Here it is on its way, there it is lent: both forget it when the move has ended.
        Assert.Equal(0, await other.Host.Loop.ForgetAsync(conversation).WaitAsync(Patience));
        Assert.Equal(0, await old.Host.Loop.ForgetAsync(conversation).WaitAsync(Patience));
        late.Open();

        await other.Host.UntilAsync(load => load.Moves!.Blocks == 6 && load.FreeBlocks == load.TotalBlocks);
        await old.UntilNothingIsLentAsync();
        foreach (var host in new[] { other.Host, old.Host })
        {
            Assert.Equal(new GenerationEvent.Started(112, 0), (await host.AllAsync(conversation).WaitAsync(Patience))[0]);
        }
    }

    [Fact]
    public async Task Serve_PartOfNoLoan_IsRefusedByName()
    {
        await using var old = await RankedReplica.StartAsync();
        var order = new KvOrder(old.Addresses, [10], [0], new FakeBlockBytes(old.FollowerRunner)) { Rank = 1, Loan = Guid.NewGuid() };

        var delivery = await new KvClient(RankedReplica.Shape, Patient, TimeProvider.System).FetchAsync(order, default).WaitAsync(Patience);

        Assert.Equal("Rank 1 does not lend these blocks here: the loan is over, or is none of this process.", delivery.Why);
    }

    [Fact]
    public async Task Serve_SeveralRanksAreAskedAsOne_RefuseByName()
    {
        await using var old = await RankedReplica.StartAsync();
        var order = new KvOrder(old.Addresses, [10], [0], new FakeBlockBytes(old.FollowerRunner));

        var delivery = await new KvClient(RankedReplica.Shape, Patient, TimeProvider.System).FetchAsync(order, default).WaitAsync(Patience);

        Assert.Equal("This replica has 2 ranks. Have them hold the blocks first.", delivery.Why);
    }

    /// <summary>Fetches, and tells it when a test lets it.</summary>
    private sealed class LateSource : IKvSource
    {
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _fetched = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private IKvSource? _inner;

        public KvMoveOptions Options => _inner!.Options;

        public int Arrived { get; private set; }

        public IKvSource Over(IKvSource inner)
        {
            _inner = inner;
            return this;
        }

        public Task FetchedAsync() => _fetched.Task.WaitAsync(Patience);

        public void Open() => _open.TrySetResult();

        public Task<KvHold> HoldAsync(KvOrder order, CancellationToken cancellationToken) => _inner!.HoldAsync(order, cancellationToken);

        public async Task<KvDelivery> FetchAsync(KvOrder order, CancellationToken cancellationToken)
        {
            var delivery = await _inner!.FetchAsync(order, cancellationToken);
            Arrived = delivery.Arrived.Count;
            _fetched.TrySetResult();
            await _open.Task.WaitAsync(Patience, cancellationToken);
            return delivery;
        }
    }
}
