using LlavaCluster.Training.Checkpoint;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Checkpoint;

public sealed class BpeTrainerTests
{
    [Fact]
    public void Train_SameLines_GivesTheSameVocabulary()
    {
        var first = BpeTrainer.Train(SampleLines.All, 640);
        var again = BpeTrainer.Train(SampleLines.All.Reverse(), 640);

        Assert.Equal(first.Pieces, again.Pieces);
        Assert.Equal(first.Merges, again.Merges);
    }

    [Theory]
    [InlineData(640)]
    [InlineData(480)]
    public void Train_RichLines_FillsTheSizeExactly(int size)
    {
        var vocabulary = BpeTrainer.Train(SampleLines.All, size);

        Assert.Equal(size, vocabulary.Count);
        Assert.Equal(vocabulary.Pieces.Count, vocabulary.Pieces.Distinct().Count());
        Assert.Equal((size - 2, size - 1), (vocabulary.ImageId, vocabulary.PadId));
    }

    [Fact]
    public void Train_FewLines_StopsWhenNoPairOccursTwice()
    {
        // Each line is counted with and without the space before it.
        var vocabulary = BpeTrainer.Train(["at"], 640);

        Assert.Equal(("a", "t"), vocabulary.Merges[^1]);
        Assert.DoesNotContain("▁at", vocabulary.Pieces);
    }

    [Fact]
    public void Train_AnyLines_MergesNeitherDigitsNorCapitalsNorPunctuation()
    {
        var lines = Enumerable.Repeat("USA 2024 AB12 \"STOP\" X. What's A? NASA's USB 7: I am. 你好你好", 50);

        var learned = BpeTrainer.Train(lines, 640).Merges.Select(m => m.Left + m.Right).Where(p => !p.EndsWith(':')).ToArray();

        Assert.NotEmpty(learned);
        Assert.All(learned, p => Assert.Matches("^▁?[A-Z]?[a-z]+$", p));
    }

    [Fact]
    public void Train_NoRoomForBytes_IsRefused()
    {
        var thrown = Assert.Throws<ArgumentOutOfRangeException>(() => BpeTrainer.Train([], 300));
        Assert.StartsWith("A vocabulary has at least 371 ids.", thrown.Message);
    }
}
