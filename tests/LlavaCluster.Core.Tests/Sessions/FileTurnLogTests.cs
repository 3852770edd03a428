using System.Text;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Tests.Sessions;
using Xunit;

namespace LlavaCluster.Core.Tests.Sessions;

public sealed class FileTurnLogTests : TurnLogContract, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("turn-log-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    protected override ITurnLog Open() => new FileTurnLog(_folder, TurnLogSync.Never, Time);

    [Fact]
    public async Task Read_FileCutOffAnywhere_GivesTheWholeEntriesAndGoesOnBehindThem()
    {
        var whole = await ThreeEntriesAsync();
        var ends = Enumerable.Range(0, whole.Length).Where(i => whole[i] == '\n').Select(i => i + 1).ToArray();
        for (var length = 0; length <= whole.Length; length++)
        {
            File.WriteAllBytes(PathOf("s"), whole[..length]);
            var entries = Math.Max(0, ends.Count(end => end <= length) - 1);

            Assert.Equal(entries, (await Open().ReadAsync("s", default)).Count);
            await Open().AppendAsync("s", entries, Ended, default);
            Assert.IsType<TurnEnded>((await Open().ReadAsync("s", default))[entries]);
        }
    }

    [Fact]
    public async Task Append_TornByAnother_IsRepairedThoughTheLengthWasKnown()
    {
        var log = Open();
        await log.AppendAsync("s", 0, Started, default);
        await File.AppendAllTextAsync(PathOf("s"), "0badc0de {\"$type\":\"ended\",\"Tur");

        await log.AppendAsync("s", 1, Tokens, default);

        Assert.Equal(2, (await Open().ReadAsync("s", default)).Count);
    }

    [Fact]
    public async Task Read_AnyByteFlipped_IsNeverTakenForTheEntry()
    {
        var whole = await ThreeEntriesAsync();
        var lastLine = Array.LastIndexOf(whole, (byte)'\n', whole.Length - 2) + 1;
        for (var at = 0; at < whole.Length; at += 3)
        {
            var damaged = whole.ToArray();
            damaged[at] ^= 0x10;
            File.WriteAllBytes(PathOf("s"), damaged);
            if (at >= lastLine)
            {
                // As a crash leaves it: not there.
                Assert.Equal(2, (await Open().ReadAsync("s", default)).Count);
            }
            else
            {
                await Assert.ThrowsAsync<InvalidDataException>(() => Open().ReadAsync("s", default));
                await Assert.ThrowsAsync<InvalidDataException>(() => Open().AppendAsync("s", 3, Ended, default));
            }
        }
    }

    [Fact]
    public async Task Read_DamagedLine_NamesFileAndLine()
    {
        var lines = Encoding.UTF8.GetString(await ThreeEntriesAsync()).Split('\n');
        lines[1] = "nonsense";
        await File.WriteAllTextAsync(PathOf("s"), string.Join('\n', lines));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => Open().ReadAsync("s", default));

        Assert.Equal($"{PathOf("s")}, line 2: not an entry of a session's log (the checksum differs).", error.Message);
    }

    [Fact]
    public async Task Read_FileOfAnotherSession_IsRefused()
    {
        await Open().AppendAsync("s", 0, Started, default);
        File.Move(PathOf("s"), PathOf("t"));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => Open().ReadAsync("t", default));

        Assert.Equal($"{PathOf("t")} is the log of session 's', not of 't'.", error.Message);
    }

    [Fact]
    public async Task Append_FolderGone_SaysThatItCannotBeWritten()
    {
        var log = Open();
        Directory.Delete(_folder, recursive: true);

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => log.AppendAsync("s", 0, Started, default));

        Directory.CreateDirectory(_folder);
        Assert.StartsWith("The conversation cannot be read or written now: ", error.Message);
        await log.AppendAsync("s", 0, Started, default);
    }

    [Fact]
    public async Task List_AnEntryIsBeingWritten_WaitsForIt()
    {
        await Open().AppendAsync("s", 0, Started, default);
        await using var sessions = Open().ListAsync(null, default).GetAsyncEnumerator();
        ValueTask<bool> found;
        await using (new FileStream(PathOf("s"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            found = sessions.MoveNextAsync();
        }

        Assert.True(await found);
        Assert.Equal("s", sessions.Current.Session);
    }

    [Theory]
    [InlineData("0b1c-2_d", "s-0b1c-2_d.turns")]
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

        Assert.Matches("^(s-[a-z0-9_-]{1,64}|h-[0-9a-f]{64})\\.turns$", name);
    }

    private async Task<byte[]> ThreeEntriesAsync()
    {
        var log = new FileTurnLog(_folder, TurnLogSync.Always, Time);
        await log.AppendAsync("s", 0, Started, default);
        await log.AppendAsync("s", 1, Tokens, default);
        await log.AppendAsync("s", 2, Ended, default);
        return File.ReadAllBytes(PathOf("s"));
    }

    private string PathOf(string session) => Path.Combine(_folder, FileTurnLog.NameOf(session));
}
