using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Routing;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Routing;

public sealed class PolicyTests
{
    private static readonly string[] Three = ["a", "b", "c"];

    [Fact]
    public void Replica_OfAKnownSession_IsTakenWithoutAsking() =>
        Assert.Equal(("b", null), ReplicaPolicy.Candidates("b", Three, new Random(1)));

    [Fact]
    public void Replica_KnownOneIsGone_IsChosenAnew()
    {
        var (first, second) = ReplicaPolicy.Candidates("z", Three, new Random(1));

        Assert.Contains(first, Three);
        Assert.Contains(second, Three);
    }

    [Fact]
    public void Replica_OfANewSession_IsOneOfTwoDifferentOnes_EachInTurn()
    {
        var random = new Random(1);
        var seen = new HashSet<(string, string)>();
        for (var i = 0; i < 200; i++)
        {
            var (first, second) = ReplicaPolicy.Candidates(null, Three, random);
            Assert.NotEqual(first, second);
            seen.Add((first, second!));
        }

        Assert.Equal(6, seen.Count);
    }

    [Fact]
    public void Replica_Alone_NeedsNoComparison() => Assert.Equal(("a", null), ReplicaPolicy.Candidates(null, ["a"], new Random(1)));

    [Theory]
    [InlineData(0, 9, 0, 1, 0, 100, true)] // fewer wait
    [InlineData(1, 0, 90, 0, 9, 0, false)]
    [InlineData(0, 2, 10, 0, 3, 90, true)] // fewer run
    [InlineData(0, 3, 10, 0, 3, 20, false)] // more blocks are free on the second
    [InlineData(0, 3, 10, 0, 3, 10, true)]
    public void Replica_OfTwo_IsTheLessLoaded(int waits, int runs, int free, int otherWaits, int otherRuns, int otherFree, bool expected) =>
        Assert.Equal(
            expected, ReplicaPolicy.Prefers(new LoadMessage(waits, runs, free, 100), new LoadMessage(otherWaits, otherRuns, otherFree, 100)));

    [Fact]
    public void Encoder_OfAnImage_IsTheSameWhateverTheOrder()
    {
        foreach (var image in Images(50))
        {
            Assert.Equal(EncoderPolicy.Choices(image, ["a", "b", "c"]), EncoderPolicy.Choices(image, ["c", "a", "b"]));
        }
    }

    [Fact]
    public void Encoder_OneLeaves_OnlyItsImagesMove()
    {
        foreach (var image in Images(200))
        {
            var (first, second) = EncoderPolicy.Choices(image, Three);
            Assert.Equal(first == "b" ? second : first, EncoderPolicy.Choices(image, ["a", "c"]).First);
        }
    }

    [Fact]
    public void Encoder_ManyImages_AreSpread()
    {
        var counts = Images(3000).CountBy(image => EncoderPolicy.Choices(image, Three).First).ToDictionary();

        Assert.All(Three, encoder => Assert.InRange(counts[encoder], 850, 1150));
    }

    [Theory]
    [InlineData(5, 0, true)]
    [InlineData(6, 0, false)]
    public void Encoder_FirstChoiceHasMuchMoreToDo_SecondIsTaken(int first, int second, bool expected) =>
        Assert.Equal(expected, EncoderPolicy.Prefers(first, second));

    private static IEnumerable<string> Images(int count) => Enumerable.Range(0, count).Select(i => $"{i:x64}");
}
