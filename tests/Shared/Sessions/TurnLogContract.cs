using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Sessions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Tests.Sessions;

/// <summary>What every turn log keeps to. A class per log derives from this one.</summary>
public abstract class TurnLogContract
{
    internal static readonly TurnStarted Started = new(
        "turn-1",
        [new TurnPart("what is this? \n 漢字 \ud83d\ude00", null), new TurnPart(null, ImageHash.Of("cat"u8).Hex)],
        "be brief",
        [1, 2, 5, 5, 3],
        [new ImageSpan(2, 2, ImageHash.Of("cat"u8), 640, 480)],
        new SamplingOptions { Temperature = 0.7f, Stop = ["\n\n"], LogitBias = new Dictionary<int, float> { [7] = -100 }, Seed = ulong.MaxValue },
        ulong.MaxValue,
        512,
        DateTimeOffset.UnixEpoch);

    internal static readonly TurnTokens Tokens = new(
        "turn-1", 0, [new SampledToken(17, -0.25f, [(17, -0.25f), (3, float.NegativeInfinity)]), new SampledToken(18, -1e-7f, [])], "a ", [0, 2]);

    internal static readonly TurnEnded Ended = new(
        "turn-1", [new SampledToken(19, -3, [])], "cat", FinishReason.Cancelled, DateTimeOffset.UnixEpoch.AddMinutes(1), [3], IsAbandoned: true);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>The clock of the logs.</summary>
    protected TimeProvider Time => _time;

    /// <summary>The log as one more process sees it.</summary>
    protected abstract ITurnLog Open();

    [Fact]
    public async Task Append_ThenRead_GivesTheSame()
    {
        TurnLogEntry[] all = [Started, Tokens, Ended, new TurnResumed("turn-1", Started.At), Ended with { Tokens = [], Text = "", TextLengths = null, IsAbandoned = false }, new SessionDeleted(Started.At)];
        var log = Open();
        for (var i = 0; i < all.Length; i++)
        {
            await log.AppendAsync("s", i, all[i], default);
        }

        var entries = await Open().ReadAsync("s", default);

        Assert.Equal(all.Select(entry => entry.GetType()), entries.Select(entry => entry.GetType()));
        var started = (TurnStarted)entries[0];
        Assert.Equal(Started.Parts, started.Parts);
        Assert.Equal(Started.Images, started.Images);
        Assert.Equal(Started.AppendedIds, started.AppendedIds);
        Assert.True(TurnContent.Of(Started).IsSameAs(TurnContent.Of(started)));
        Assert.Equal((Started.Seed, Started.At, Started.System), (started.Seed, started.At, started.System));
        var tokens = (TurnTokens)entries[1];
        Assert.Equal(Tokens.Tokens.Select(t => (t.Id, t.LogProb)), tokens.Tokens.Select(t => (t.Id, t.LogProb)));
        Assert.Equal(Tokens.Tokens[0].Top, tokens.Tokens[0].Top);
        Assert.Equal(Tokens.TextLengths, tokens.TextLengths);
        Assert.Equal((Tokens.Offset, Tokens.Text), (tokens.Offset, tokens.Text));
        var ended = (TurnEnded)entries[2];
        Assert.Equal((Ended.Text, Ended.Reason, Ended.At, true), (ended.Text, ended.Reason, ended.At, ended.IsAbandoned));
        Assert.Equal(all[3], entries[3]);
        Assert.False(((TurnEnded)entries[4]).IsAbandoned);
        Assert.Equal(all[5], entries[5]);
    }

    [Fact]
    public async Task Read_NoSuchSession_IsEmpty() => Assert.Empty(await Open().ReadAsync("nobody", default));

    [Fact]
    public async Task Append_AnotherWroteMeanwhile_IsFenced()
    {
        var (first, second) = (Open(), Open());
        await first.AppendAsync("s", 0, Started, default);
        await second.AppendAsync("s", 1, Tokens, default);

        var error = await Assert.ThrowsAsync<TurnLogFencedException>(() => first.AppendAsync("s", 1, Tokens, default));

        Assert.Equal(
            "Session s: the log has 2 entries where 1 were expected; another writer was there. Read it again.", error.Message);
        Assert.Equal((1, 2), (error.Expected, error.Found));
        Assert.Equal(2, (await first.ReadAsync("s", default)).Count);
    }

    [Fact]
    public async Task Append_TwoWritersRace_EachPlaceIsTakenOnce()
    {
        const int Each = 40;
        var places = new int[2][];
        await Task.WhenAll(Enumerable.Range(0, 2).Select(async writer =>
        {
            var log = Open();
            var taken = new List<int>();
            for (var length = 0; taken.Count < Each;)
            {
                try
                {
                    await log.AppendAsync("race", length, Tokens with { TurnId = $"{writer}", Offset = length }, default);
                    taken.Add(length++);
                }
                catch (TurnLogFencedException fenced)
                {
                    length = fenced.Found;
                }
            }

            places[writer] = [.. taken];
        }));

        var entries = (await Open().ReadAsync("race", default)).Cast<TurnTokens>().ToArray();

        Assert.Equal(Enumerable.Range(0, 2 * Each), entries.Select(entry => entry.Offset));
        Assert.All(places[0], place => Assert.Equal("0", entries[place].TurnId));
        Assert.All(places[1], place => Assert.Equal("1", entries[place].TurnId));
    }

    [Fact]
    public async Task Delete_ThenAppend_BeginsAnew()
    {
        var (log, stale) = (Open(), Open());
        await stale.AppendAsync("s", 0, Started, default);
        await log.DeleteAsync("s", default);
        await log.DeleteAsync("s", default);

        Assert.Empty(await log.ReadAsync("s", default));
        var fenced = await Assert.ThrowsAsync<TurnLogFencedException>(() => stale.AppendAsync("s", 1, Tokens, default));
        Assert.Equal(0, fenced.Found);
        await log.AppendAsync("s", 0, Started, default);
        Assert.Single(await log.ReadAsync("s", default));
    }

    [Fact]
    public async Task Sessions_OfStrangeNames_AreApart()
    {
        string[] names = ["a", "A", "../a", "a/b", "a:b", "ä", new string('x', 200), "{a}"];
        var log = Open();
        foreach (var name in names)
        {
            await log.AppendAsync(name, 0, Started with { TurnId = name }, default);
        }

        foreach (var name in names)
        {
            Assert.Equal(name, ((TurnStarted)Assert.Single(await Open().ReadAsync(name, default))).TurnId);
        }

        Assert.Equal(names.Order(StringComparer.Ordinal), await NamesAsync(null));
    }

    [Fact]
    public async Task List_TellsWhatWasUsedWhen_LastFirst()
    {
        var log = Open();
        foreach (var name in new[] { "old", "middle", "new", "gone" })
        {
            await log.AppendAsync(name, 0, Started, default);
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        await log.AppendAsync("old", 1, Tokens, default);
        await log.DeleteAsync("gone", default);

        Assert.Equal(["old", "new", "middle"], await NamesAsync(null));
        Assert.Equal(["middle"], await NamesAsync(_time.GetUtcNow().AddMinutes(-2)));
        var listed = new List<LoggedSession>();
        await foreach (var session in Open().ListAsync(null, default))
        {
            listed.Add(session);
        }

        Assert.Equal(_time.GetUtcNow(), listed[0].UsedAt);
    }

    private async Task<List<string>> NamesAsync(DateTimeOffset? usedBefore)
    {
        var names = new List<string>();
        await foreach (var session in Open().ListAsync(usedBefore, default))
        {
            names.Add(session.Session);
        }

        return names;
    }
}
