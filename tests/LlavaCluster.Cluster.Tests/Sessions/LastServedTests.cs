using LlavaCluster.Grains.Decoding;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Sessions;

public sealed class LastServedTests
{
    private readonly LastServed _served = new();

    [Fact]
    public void Take_GivesEachOnce_LatestFirst()
    {
        Note("a", "b", "c", "a");

        Assert.Equal(["a", "c", "b"], TakeAll());
    }

    [Fact]
    public void Remove_InUseOrDeleted_IsNotGiven()
    {
        Note("a", "b");

        _served.Remove("a");
        _served.Remove("unknown");

        Assert.Equal(["b"], TakeAll());
    }

    [Fact]
    public void Note_NobodysOrNoWholeBlock_IsNotKnown()
    {
        _served.Note(new ServedSession("", "", 3));
        _served.Note(new ServedSession("a", "", 0));

        Assert.Null(_served.Take());
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(5, "c")]
    [InlineData(6, "c b")]
    [InlineData(9, "c b a")]
    public void Keep_OnlyThoseThatFitBesideLaterOnes(int blocks, string expected)
    {
        Note("a", "b", "c");

        _served.Keep(blocks);

        Assert.Equal(expected, string.Join(' ', TakeAll()));
    }

    [Fact]
    public void Note_MoreThanMost_DropsTheOldest()
    {
        Note([.. Enumerable.Range(0, LastServed.Most + 2).Select(i => $"{i}")]);

        var all = TakeAll();

        Assert.Equal((LastServed.Most, $"{LastServed.Most + 1}", "2"), (all.Length, all[0], all[^1]));
    }

    private void Note(params string[] sessions)
    {
        foreach (var session in sessions)
        {
            _served.Note(new ServedSession(session, "", 3));
        }
    }

    private string[] TakeAll()
    {
        var all = new List<string>();
        while (_served.Take() is { } next)
        {
            all.Add(next.Session);
        }

        return [.. all];
    }
}
