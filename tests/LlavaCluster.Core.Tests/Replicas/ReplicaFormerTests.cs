using System.Net;
using LlavaCluster.Core.Replicas;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Core.Tests.Replicas;

public sealed class ReplicaFormerTests
{
    private static readonly RankSplit Split = new("c0ffee", 2, "bfloat16", "torch", "tcp");

    private readonly FakeTimeProvider _time = new();
    private readonly ReplicaFormer _former;

    public ReplicaFormerTests() => _former = new ReplicaFormer("r", new ReplicaFormerOptions(), _time);

    [Fact]
    public void AllRanksFree_AreFormedInOrderOfRanks()
    {
        var (zero, one) = (Offer("r/0", 0), Offer("r/1", 1) with { Blocks = 7 });
        Assert.Equal("Replica r waits for rank 0 of 2.", Assert.IsType<SeatOrder.Stay>(Free(one)).Why);

        var formation = Assert.IsType<SeatOrder.Join>(Free(zero)).Formation;

        Assert.Equal([zero, one], formation.Members);
        Assert.Equal((1, 7), (formation.Epoch, formation.Blocks));
        Assert.Equal(formation, Assert.IsType<SeatOrder.Join>(Free(one)).Formation);
        Assert.IsType<SeatOrder.Stay>(Serving(zero, formation));
    }

    [Fact]
    public void MemberOffersAnew_TheNextFormationHasAHigherEpochAndAnotherId()
    {
        var (first, zero, _) = Formed();

        // Rank 1 is back before rank 0 has noticed; only when both are free they are formed.
        var back = Offer("r/1", 1);
        Serving(zero, first);
        Assert.IsType<SeatOrder.Stay>(Free(back));
        var again = Offer("r/0", 0);
        var second = Assert.IsType<SeatOrder.Join>(Free(again, epoch: 1)).Formation;

        Assert.Equal([again, back], second.Members);
        Assert.Equal(2, second.Epoch);
        Assert.NotEqual(first.Id, second.Id);
    }

    [Fact]
    public void MemberFallsSilentWhileTheyJoin_TheOthersLeave()
    {
        var (formation, zero, _) = Formed();
        _time.Advance(TimeSpan.FromSeconds(2.1));

        var order = _former.Take(new SeatReport(zero, SeatState.Joining, 1, formation.Id));

        Assert.Equal("Rank 1 (seat r/1) is not heard of any more.", Assert.IsType<SeatOrder.Leave>(order).Why);
    }

    [Fact]
    public void Supervisor_ThatStartedAnew_CountsEpochsOn()
    {
        Free(Offer("r/0", 0), epoch: 41);

        Assert.Equal(42, Assert.IsType<SeatOrder.Join>(Free(Offer("r/1", 1))).Formation.Epoch);
    }

    [Theory]
    [InlineData("checkpoint", "Seat r/1 has checkpoint 0ther, seat r/0 has c0ffee. Start all ranks of a replica alike.")]
    [InlineData("ranks", "Seat r/1 has tensor-parallel 4, seat r/0 has 2. Start all ranks of a replica alike.")]
    [InlineData("dtype", "Seat r/1 has dtype float32, seat r/0 has bfloat16. Start all ranks of a replica alike.")]
    public void SeatThatHoldsSomethingElse_IsRefusedByName(string what, string sentence)
    {
        Free(Offer("r/0", 0));
        var other = what switch
        {
            "checkpoint" => Split with { Checkpoint = "0ther" },
            "ranks" => Split with { Ranks = 4 },
            _ => Split with { Dtype = "float32" },
        };

        Assert.Equal(sentence, Assert.IsType<SeatOrder.Refuse>(Free(Offer("r/1", 1) with { Split = other })).Why);
        Assert.IsType<SeatOrder.Join>(Free(Offer("r/1", 1)));
    }

    [Fact]
    public void SpareSeat_TakesThePlaceOfARankThatStaysAway_AndGivesWayToNoneThatIsBackTooLate()
    {
        var (first, zero, _) = Formed();
        Serving(zero, first);
        var spare = Offer("r/spare-s", null) with { Rank = null };
        Assert.Contains("waits as a spare one", Assert.IsType<SeatOrder.Stay>(Free(spare)).Why);

        // Rank 1 is lost: rank 0 offers anew; the spare seat waits, prepares, and is taken.
        var again = Offer("r/0", 0);
        _time.Advance(TimeSpan.FromSeconds(1.9));
        Free(again, epoch: 1);
        _time.Advance(TimeSpan.FromSeconds(1.9));
        Free(again, epoch: 1);
        Assert.IsType<SeatOrder.Stay>(Free(spare));
        _time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(1, Assert.IsType<SeatOrder.Prepare>(Free(spare)).Rank);
        var prepared = spare with { Id = Guid.NewGuid(), Rank = 1 };
        Assert.Equal([again, prepared], Assert.IsType<SeatOrder.Join>(Free(prepared)).Formation.Members);
        Free(again, epoch: 1);

        // Its owner comes back: the replica is complete without it.
        Assert.Contains("complete without seat r/1", Assert.IsType<SeatOrder.Stay>(Free(Offer("r/1", 1))).Why);
    }

    [Fact]
    public void TwoSpareSeats_DoNotPrepareTheSameRank()
    {
        var (a, b) = (Offer("r/spare-a", null), Offer("r/spare-b", null));
        _time.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal(0, Assert.IsType<SeatOrder.Prepare>(Free(a)).Rank);
        _former.Take(new SeatReport(a with { Rank = 0 }, SeatState.Preparing, 0, Guid.Empty));
        Assert.Equal(1, Assert.IsType<SeatOrder.Prepare>(Free(b)).Rank);
    }

    private (Formation Formation, SeatOffer Zero, SeatOffer One) Formed()
    {
        var (zero, one) = (Offer("r/0", 0), Offer("r/1", 1));
        Free(zero);
        return (Assert.IsType<SeatOrder.Join>(Free(one)).Formation, zero, one);
    }

    private SeatOrder Free(SeatOffer offer, long epoch = 0) => _former.Take(new SeatReport(offer, SeatState.Free, epoch, Guid.Empty));

    private SeatOrder Serving(SeatOffer offer, Formation formation) =>
        _former.Take(new SeatReport(offer, SeatState.Serving, formation.Epoch, formation.Id));

    private static SeatOffer Offer(string seat, int? rank) => new()
    {
        Id = Guid.NewGuid(),
        Seat = seat,
        OwnRank = rank,
        Rank = rank,
        Split = Split,
        Blocks = 64,
        Collectives = new IPEndPoint(IPAddress.Loopback, 1),
        Plans = new IPEndPoint(IPAddress.Loopback, 2),
    };
}
