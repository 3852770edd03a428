using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Core.Tests.Moving;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Replicas;

/// <summary>Seats of this process over real connections, with fake models and a supervisor that is called directly.</summary>
public sealed class RankSeatTests
{
    [Fact]
    public async Task Seats_ComeTogether_AnswerAndComeTogetherAgainWhenOneIsLost()
    {
        await using var replica = new SeatsOfOneReplica(3);
        await replica.UntilLeadingAsync(epoch: 1);
        Assert.Equal(FakeModel.Answer(Prompt(20), [], 10), await replica.AnswerAsync(Prompt(20)));

        // A follower's step fails: the turn is refused, which lets it go on, and all offer themselves anew.
        replica.Parts[0].Runner.BeforeStep = _ => replica.Parts[0].Sum();
        replica.Parts[2].Runner.BeforeStep = _ => throw new InvalidOperationException("out of memory");
        await Assert.ThrowsAsync<SequenceRefusedException>(() => replica.AnswerAsync(Prompt(20, salt: 1)));
        await replica.UntilLeadingAsync(epoch: 2);

        Assert.Equal(FakeModel.Answer(Prompt(20, salt: 1), [], 10), await replica.AnswerAsync(Prompt(20, salt: 1)));
        Assert.All(replica.Parts, parts => Assert.Equal(1, parts.Prepared));
        Assert.All(replica.Parts, parts => Assert.NotEmpty(parts.Aborts));
    }

    [Fact]
    public async Task Leader_Leaves_TheOthersWaitAndSaySo()
    {
        await using var replica = new SeatsOfOneReplica(2);
        await replica.UntilLeadingAsync(epoch: 1);

        await replica.Seats[0].DisposeAsync();

        await replica.UntilAsync(() => replica.Seats[1].Status is { State: SeatState.Free, Why: "Replica r waits for rank 0 of 2." });
        var refusal = Assert.Throws<SequenceRefusedException>(() => replica.Seats[1].GenerateAsync(Request(Prompt(20)), default));
        Assert.Equal("Replica r is not complete: Replica r waits for rank 0 of 2. Try again in a moment.", refusal.Message);
    }

    [Fact]
    public async Task Forget_IsTheLeadersBusiness_AndTheOthersComputeAgainWithIt()
    {
        await using var replica = new SeatsOfOneReplica(2);
        await replica.UntilLeadingAsync(epoch: 1);
        var answer = await replica.AnswerAsync(Prompt(40));
        var conversation = Request([.. Prompt(40), .. answer]);

        // The last token of an answer is computed with the next turn.
        Assert.Equal(0, await replica.Seats[1].ForgetAsync(conversation));
        Assert.Equal(3, await replica.Seats[0].ForgetAsync(conversation));

        Assert.Equal(0, await replica.Seats[0].ForgetAsync(conversation));
        Assert.Equal(answer, await replica.AnswerAsync(Prompt(40)));
        Assert.Empty(replica.Parts[1].Aborts);
    }

    [Fact]
    public async Task SpareSeat_TakesTheLeadersPlace()
    {
        await using var replica = new SeatsOfOneReplica(2, spare: true);
        await replica.UntilAsync(() => replica.Leader >= 0);
        var (first, other) = replica.Leader == 0 ? (0, 2) : (2, 0);

        await replica.Seats[first].DisposeAsync();

        await replica.UntilAsync(() => replica.Leader == other);
        Assert.Equal(FakeModel.Answer(Prompt(20), [], 10), await replica.AnswerAsync(Prompt(20), other));
    }

    [Fact]
    public async Task SupervisorCannotBeReached_TheSeatsServeOn()
    {
        await using var replica = new SeatsOfOneReplica(2);
        await replica.UntilLeadingAsync(epoch: 1);

        replica.IsDown = true;

        Assert.Equal(FakeModel.Answer(Prompt(20), [], 10), await replica.AnswerAsync(Prompt(20)));
    }

    [Fact]
    public async Task Seats_ComeTogetherAgain_BeginWithSlowerMemoryThatIsEmptyAndAsLargeAsAllHave()
    {
        await using var replica = new SeatsOfOneReplica(2, below: [new(100, 50), new(40, 70)]);
        await replica.UntilLeadingAsync(epoch: 1);
        Assert.Equal(FakeModel.Answer(Prompt(70), [], 10), await replica.AnswerAsync(Prompt(70)));
        await replica.UntilAsync(() => replica.Seats[0].Load.Tiers is { Host: 4 });
        Assert.All(replica.Parts, parts => Assert.Equal((40, 50), (parts.Runner.Mover!.HostSlots, parts.Runner.Mover.DiskBlocks)));

        replica.Parts[0].Runner.BeforeStep = _ => replica.Parts[0].Sum();
        replica.Parts[1].Runner.BeforeStep = _ => throw new InvalidOperationException("out of memory");
        await Assert.ThrowsAsync<SequenceRefusedException>(() => replica.AnswerAsync(Prompt(20, salt: 1)));
        await replica.UntilLeadingAsync(epoch: 2);

        Assert.Equal(new TierCounts(), replica.Seats[0].Load.Tiers);
        Assert.Equal(FakeModel.Answer(Prompt(70), [], 10), await replica.AnswerAsync(Prompt(70)));
        Assert.Equal(0, replica.Seats[0].Load.Tiers!.FromHost);
    }

    [Fact]
    public async Task Seats_OneHasNoSlowerMemory_NoneUsesIts()
    {
        await using var replica = new SeatsOfOneReplica(2, below: [new(100, 50), default]);
        await replica.UntilLeadingAsync(epoch: 1);

        Assert.Equal(FakeModel.Answer(Prompt(70), [], 10), await replica.AnswerAsync(Prompt(70)));

        Assert.Null(replica.Seats[0].Load.Tiers);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Seats_KvMovesOnlyWhereItDoesOnAllRanks(bool all)
    {
        await using var replica = new SeatsOfOneReplica(2, movesKv: [true, all]);
        await replica.UntilLeadingAsync(epoch: 1);

        Assert.All(replica.Seats, seat => Assert.Equal(all, seat.MovesKv));
        Assert.Equal(all, replica.Parts[0].Runner.Bytes is not null);
        using var loan = await replica.Seats[0].LendAsync([1]).WaitAsync(Patience);
        Assert.Equal(all, loan is not null);
        Assert.Null(await replica.Seats[1].LendAsync([1]));
        await replica.Seats[1].DisposeAsync();
        await replica.UntilAsync(() => !replica.Seats[0].MovesKv);
    }

    private sealed class SeatsOfOneReplica : IAsyncDisposable
    {
        private readonly Lock _gate = new();
        private readonly ReplicaFormer _former;
        private readonly Log _log = new();

        public SeatsOfOneReplica(int ranks, bool spare = false, TierRoom[]? below = null, bool[]? movesKv = null)
        {
            // Seats of a busy machine may not be heard of for a while, which ends a formation that has hardly begun. Only a spare seat waits
            // for a lease to end.
            var options = new ReplicaFormerOptions { SpareAfter = TimeSpan.Zero };
            _former = new ReplicaFormer("r", spare ? options : options with { Lease = 2 * Patience }, TimeProvider.System);
            for (var i = 0; i < ranks + (spare ? 1 : 0); i++)
            {
                var parts = new FakeRankParts(ranks, below?[i] ?? default);
                Parts.Add(parts);
                var moves = movesKv?[i] == true ? new KvClient(RankedReplica.Shape, new KvMoveOptions(), TimeProvider.System) : null;
                var lent = new LentParts();
                Seats.Add(new RankSeat(
                    new RankSeatOptions
                    {
                        Seat = i < ranks ? $"r/{i}" : "r/spare-s",
                        Replica = "r",
                        Rank = i < ranks ? i : null,
                        Address = IPAddress.Loopback,
                        Loop = (runner, link, epoch) => new DecodeLoop(
                            runner, link, new FakeFeatureSource(), _ => new FakeStopRule(null), TimeProvider.System,
                            new DecodeLoopOptions { Epoch = epoch, Tiers = new() { HostAfter = TimeSpan.Zero } }, moves: moves, lent: lent),
                        Moves = moves,
                        Lent = lent,
                        // Silence is not tested here; a busy machine's threads may be silent for a while.
                        Link = new ShardLinkOptions { Silence = TimeSpan.FromSeconds(60) },
                        ReportEvery = TimeSpan.FromMilliseconds(20),
                    },
                    parts,
                    Report,
                    TimeProvider.System,
                    _log));
            }

            Started = StartAsync();
        }

        public List<RankSeat> Seats { get; } = [];

        public List<FakeRankParts> Parts { get; } = [];

        public bool IsDown { get; set; }

        /// <summary>The seat that leads; -1: none. Of two for the same rank a busy machine may be faster with either.</summary>
        public int Leader => Seats.FindIndex(seat => seat.IsLeading);

        private Task Started { get; }

        public async Task UntilLeadingAsync(long epoch)
        {
            await Started;
            await UntilAsync(() => Seats[0].IsLeading && Seats[0].Status.Epoch == epoch && Seats.Count(s => s.Status.State == SeatState.Serving) == Parts[0].Split.Ranks);
        }

        public async Task UntilAsync(Func<bool> holds)
        {
            using var patience = new CancellationTokenSource(Patience);
            while (!holds())
            {
                await _log.Changed.WaitAsync(TimeSpan.FromMilliseconds(20), patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                Assert.False(patience.IsCancellationRequested, $"Not so: {string.Join(", ", Seats.Select(seat => seat.Status))}");
            }
        }

        public async Task<int[]> AnswerAsync(int[] prompt, int seat = 0)
        {
            var tokens = new List<int>();
            await foreach (var next in Seats[seat].GenerateAsync(Request(prompt), default))
            {
                tokens.AddRange((next as GenerationEvent.Generated)?.Tokens.Select(token => token.Id) ?? []);
            }

            return [.. tokens];
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var seat in Seats)
            {
                await seat.DisposeAsync();
            }
        }

        private async Task StartAsync()
        {
            foreach (var seat in Seats)
            {
                await seat.PrepareAsync(default);
                seat.Start();
            }
        }

        private Task<SeatOrder> Report(SeatReport report, CancellationToken cancellationToken)
        {
            lock (_gate)
            {
                return IsDown ? throw new InvalidOperationException("down") : Task.FromResult(_former.Take(report));
            }
        }
    }

    private sealed class Log : ISeatObserver
    {
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Changed => Volatile.Read(ref _changed).Task;

        public void Formed(long epoch, int rank, int ranks, string carrier, TimeSpan took) => Tell();

        public void Lost(long epoch, int rank, string why) => Tell();

        public void NotFormed(long epoch, int rank, string why) => Tell();

        public void Refused(string why) => Tell();

        public void Prepares(int rank) => Tell();

        public void NotPrepared(int rank, Exception error) => Tell();

        private void Tell() =>
            Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }
}
