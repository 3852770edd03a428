using System.Text;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Sessions;
using Xunit;

namespace LlavaCluster.Core.Tests.Sessions;

public sealed class TurnLogTests : IDisposable
{
    private static readonly TurnStarted First = new(
        "turn-1",
        [new TurnPart("what is this? \n 漢字 \ud83d\ude00", null), new TurnPart(null, ImageHash.Of("cat"u8).Hex)],
        "be brief",
        [1, 2, 5, 5, 3],
        [new ImageSpan(2, 2, ImageHash.Of("cat"u8), 640, 480)],
        new SamplingOptions { Temperature = 0.7f, Stop = ["\n\n"], LogitBias = new Dictionary<int, float> { [7] = -100 }, Seed = ulong.MaxValue },
        ulong.MaxValue,
        512,
        DateTimeOffset.UnixEpoch);

    private static readonly TurnEnded Second = new(
        "turn-1",
        [new SampledToken(17, -0.25f, [(17, -0.25f), (3, float.NegativeInfinity)])],
        "a cat",
        FinishReason.Length,
        DateTimeOffset.UnixEpoch.AddMinutes(1),
        [3]);

    private readonly string _folder = Directory.CreateTempSubdirectory("turn-log-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Append_ThenRead_GivesTheSame(bool file)
    {
        ITurnLog log = file ? new FileTurnLog(_folder) : new MemoryTurnLog();
        await log.AppendAsync("s", 0, First, default);
        await log.AppendAsync("s", 1, Second, default);

        // A process that comes later reads it all.
        var entries = await (file ? new FileTurnLog(_folder) : log).ReadAsync("s", default);

        var started = Assert.IsType<TurnStarted>(entries[0]);
        Assert.Equal(First.Parts, started.Parts);
        Assert.Equal(First.Images, started.Images);
        Assert.Equal(First.AppendedIds, started.AppendedIds);
        Assert.True(TurnContent.Of(First).IsSameAs(TurnContent.Of(started)));
        Assert.Equal((First.Seed, First.At, First.System), (started.Seed, started.At, started.System));
        var ended = Assert.IsType<TurnEnded>(entries[1]);
        Assert.Equal(Second.Tokens[0].Top, ended.Tokens[0].Top);
        Assert.Equal((Second.Text, Second.Reason, Second.At), (ended.Text, ended.Reason, ended.At));
        Assert.Equal(Second.TextLengths, ended.TextLengths);
        Assert.Equal(2, entries.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Append_AnotherWroteMeanwhile_IsFenced(bool file)
    {
        ITurnLog first = file ? new FileTurnLog(_folder) : new MemoryTurnLog();
        var second = file ? new FileTurnLog(_folder) : first;
        await first.AppendAsync("s", 0, First, default);
        await second.AppendAsync("s", 1, Second, default);

        var error = await Assert.ThrowsAsync<TurnLogFencedException>(() => first.AppendAsync("s", 1, Second, default));

        Assert.Equal(
            "Session s: the log has 2 entries where 1 were expected; another writer was there. Read it again.", error.Message);
        Assert.Equal(2, (await first.ReadAsync("s", default)).Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Delete_ThenAppend_BeginsAnew(bool file)
    {
        ITurnLog log = file ? new FileTurnLog(_folder) : new MemoryTurnLog();
        await log.AppendAsync("s", 0, First, default);
        await log.DeleteAsync("s", default);
        await log.DeleteAsync("s", default);

        Assert.Empty(await log.ReadAsync("s", default));
        await log.AppendAsync("s", 0, First, default);
        Assert.Single(await log.ReadAsync("s", default));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Read_TornLastLine_IsNoEntryAndIsReplaced(bool knownBefore)
    {
        var log = new FileTurnLog(_folder);
        await log.AppendAsync("s", 0, First, default);
        await File.AppendAllTextAsync(Path.Combine(_folder, FileTurnLog.NameOf("s")), "{\"$type\":\"ended\",\"Tur");
        log = knownBefore ? log : new FileTurnLog(_folder);

        Assert.Single(await log.ReadAsync("s", default));
        await log.AppendAsync("s", 1, Second, default);

        Assert.Equal(2, (await new FileTurnLog(_folder).ReadAsync("s", default)).Count);
    }

    [Fact]
    public async Task Read_DamagedLine_NamesFileAndLine()
    {
        var path = Path.Combine(_folder, FileTurnLog.NameOf("s"));
        var log = new FileTurnLog(_folder);
        await log.AppendAsync("s", 0, First, default);
        await File.AppendAllTextAsync(path, "nonsense\n");

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => log.ReadAsync("s", default));

        Assert.StartsWith($"{path}, line 2: not an entry of a session's log (", error.Message);
    }

    [Theory]
    [InlineData("0b1c-2_d", "s-0b1c-2_d.jsonl")]
    [InlineData("../../etc/passwd", null)]
    [InlineData("Upper", null)]
    [InlineData("", null)]
    [InlineData("a\0b", null)]
    [InlineData("ein sehr langer Name, der als Name einer Datei nicht mehr in jedes Dateisystem passt, wenn man ihn wiederholt", null)]
    public void NameOf_AnySession_IsAPlainFileName(string session, string? expected)
    {
        var name = FileTurnLog.NameOf(session);

        if (expected is not null)
        {
            Assert.Equal(expected, name);
        }

        Assert.Matches("^(s-[a-z0-9_-]{1,64}|h-[0-9a-f]{64})\\.jsonl$", name);
    }

    [Fact]
    public async Task ImageStore_PutGetDelete()
    {
        foreach (var store in new IImageStore[] { new FileImageStore(_folder), new MemoryImageStore() })
        {
            var file = Encoding.UTF8.GetBytes("picture");
            var hash = ImageHash.Of(file);
            Assert.Null(await store.TryGetAsync(hash, default));
            await store.PutAsync(hash, file, default);
            await store.PutAsync(hash, file, default);
            Assert.Equal(file, (await store.TryGetAsync(hash, default))!.Value.ToArray());
            await store.DeleteAsync(hash, default);
            await store.DeleteAsync(hash, default);
            Assert.Null(await store.TryGetAsync(hash, default));
        }

        Assert.Empty(Directory.EnumerateFiles(_folder, "*.part", SearchOption.AllDirectories));
    }
}
