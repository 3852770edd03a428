using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Encoding;
using LlavaCluster.Grains.Routing;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Routing;

public sealed class PolicyTests
{
    private static readonly string[] Three = ["a", "b", "c"];

    [Fact]
    public void Replica_OfAKnownSession_IsTaken() =>
        Assert.Equal("b", Choose("b", Idle("a"), Idle("b", waiting: 7), Idle("c")));

    [Fact]
    public void Replica_OfAKnownSession_ThatIsOverloaded_IsLeftOnlyForOneWithRoom()
    {
        Assert.Equal("a", Choose("b", Idle("a"), Idle("b", waiting: 8)));
        Assert.Equal("b", Choose("b", Idle("a", waiting: 1), Idle("b", waiting: 8)));
        Assert.Equal("b", Choose("b", Idle("a", free: 24), Idle("b", waiting: 8)));
    }

    [Fact]
    public void Replica_ThatFailedJustNow_IsTakenOnlyWhenItIsAlone()
    {
        Assert.Equal("a", ReplicaPolicy.Choose("b", "b", [], [Idle("a", waiting: 3), Idle("b")], new Random(1)).Replica);
        Assert.Equal("b", ReplicaPolicy.Choose("b", "b", [], [Idle("b")], new Random(1)).Replica);
    }

    [Fact]
    public void Replica_OfANewSession_IsOneThatHasItsImage_IfItHasRoom()
    {
        var image = Beginnings.Of(null, ["cafe"]);
        var both = Beginnings.Of("Be brief.", ["cafe"]);

        Assert.Equal("b", Choose(null, image, Idle("a"), Idle("b", running: 5, known: image), Idle("c")));
        Assert.Equal("c", Choose(null, both, Idle("a"), Idle("b", known: image), Idle("c", running: 5, known: both)));
        Assert.NotEqual("b", Choose(null, image, Idle("a"), Idle("b", waiting: 1, known: image), Idle("c")));
    }

    [Fact]
    public void Replica_OfANewSession_IsOneOfTwoDifferentOnes_EachInTurn()
    {
        var random = new Random(1);
        var counts = Enumerable.Range(0, 600)
            .CountBy(_ => ReplicaPolicy.Choose("gone", null, [], [Idle("a"), Idle("b"), Idle("c")], random).Replica).ToDictionary();

        Assert.All(Three, replica => Assert.InRange(counts[replica], 150, 250));
    }

    [Theory]
    [InlineData(0, 9, 0, 1, 0, 100, true)] // fewer wait
    [InlineData(1, 0, 90, 0, 9, 0, false)]
    [InlineData(0, 2, 10, 0, 3, 90, true)] // fewer run
    [InlineData(0, 3, 10, 0, 3, 20, false)] // more blocks are free on the second
    [InlineData(0, 3, 10, 0, 3, 10, true)]
    public void Replica_OfTwo_IsTheLessLoaded(int waits, int runs, int free, int otherWaits, int otherRuns, int otherFree, bool expected) =>
        Assert.Equal(
            expected, ReplicaPolicy.Prefers(Idle("a", waits, runs, free), Idle("b", otherWaits, otherRuns, otherFree)));

    [Fact]
    public void Replica_TurnsSentSinceItsReport_CountAsRunning() =>
        Assert.False(ReplicaPolicy.Prefers(Idle("a") with { Sent = 2 }, Idle("b", running: 1)));

    [Fact]
    public void Encoder_WhoDecidesOnAnImage_IsTheSameWhateverTheOrder()
    {
        foreach (var image in Images(50))
        {
            Assert.Equal(EncoderPolicy.Choices(image, ["a", "b", "c"]), EncoderPolicy.Choices(image, ["c", "a", "b"]));
        }
    }

    [Fact]
    public void Encoder_OneLeaves_OnlyItsImagesAreDecidedElsewhere()
    {
        foreach (var image in Images(200))
        {
            var (first, second) = EncoderPolicy.Choices(image, Three);
            Assert.Equal(first == "b" ? second : first, EncoderPolicy.Choices(image, ["a", "c"]).First);
        }
    }

    [Fact]
    public void Encoder_OfAKnownImage_StaysTheSame_UntilItIsGone()
    {
        var assignments = new ImageAssignments();
        var first = assignments.Assign("x", 5, Encoders(0, 0));

        Assert.Equal(first, assignments.Assign("x", 5, first == "a" ? Encoders(90, 0) : Encoders(0, 90)));
        var other = first == "a" ? "b" : "a";
        Assert.Equal(other, assignments.Assign("x", 5, [new EncoderLoadMessage(other, 50, 0, 0)]));
    }

    [Fact]
    public void Encoder_OfNewImages_IsWhereFewestTilesWait_AndEvenOverTime()
    {
        var assignments = new ImageAssignments();
        Assert.Equal("b", assignments.Assign("busy", 5, Encoders(3, 2)));

        var given = Images(300).Select((image, i) => (Tiles: 1 + (i % 5), To: assignments.Assign(image, 1 + (i % 5), Encoders(0, 0))))
            .GroupBy(one => one.To).ToDictionary(group => group.Key, group => group.Sum(one => one.Tiles));

        Assert.InRange((double)given["a"] / given["b"], 0.98, 1.02);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(12)]
    [InlineData(25)]
    [InlineData(35)]
    public void Encoder_ReportsAreOldNews_TilesAreEvenAllTheSame(int seed)
    {
        // What waits at a moment says little of what waits when an image comes: up to four images at either.
        var random = new Random(seed);
        var assignments = new ImageAssignments();
        var given = Images(200).Chunk(3).SelectMany(images =>
        {
            var report = Encoders(5 * random.Next(5), 5 * random.Next(5));
            return images.Select(image => assignments.Assign(image, 5, report)).ToArray();
        }).CountBy(encoder => encoder).ToDictionary();

        Assert.InRange(given["a"], 96, 104);
    }

    [Fact]
    public void Encoder_ThatIsSlow_IsGivenLess_AndANewOneNoMoreThanTheOthers()
    {
        var assignments = new ImageAssignments();
        Assert.All(Images(50), image => Assert.Equal("b", assignments.Assign(image, 5, Encoders(20, 0))));

        var late = new ImageAssignments();
        foreach (var image in Images(100))
        {
            late.Assign(image, 5, [new EncoderLoadMessage("a", 0, 0, 0)]);
        }

        var given = Images(20, from: 1000).Select(image => late.Assign(image, 5, Encoders(0, 0))).CountBy(encoder => encoder).ToDictionary();
        Assert.Equal((10, 10), (given["a"], given["b"]));
    }

    private static string Choose(string? known, params ReplicaChoice[] replicas) => Choose(known, [], replicas);

    private static string Choose(string? known, IReadOnlyList<ulong> beginnings, params ReplicaChoice[] replicas) =>
        ReplicaPolicy.Choose(known, null, beginnings, replicas, new Random(1)).Replica;

    private static ReplicaChoice Idle(string replica, int waiting = 0, int running = 0, int free = 100, IReadOnlyList<ulong>? known = null) => new(
        new SeatLoadMessage
        {
            Shard = $"{replica}/0",
            Replica = replica,
            Rank = 0,
            Ranks = 1,
            State = SeatState.Serving,
            Epoch = 0,
            Why = "",
            IsLeading = true,
            Load = new LoadMessage(waiting, running, free, 100),
            AnswerRate = 0,
            ComputeRate = 0,
            Beginnings = known ?? [],
        },
        0);

    private static EncoderLoadMessage[] Encoders(int ofA, int ofB) => [new("a", ofA, 0, 0), new("b", ofB, 0, 0)];

    private static IEnumerable<string> Images(int count, int from = 0) => Enumerable.Range(from, count).Select(i => $"{i:x64}");
}
