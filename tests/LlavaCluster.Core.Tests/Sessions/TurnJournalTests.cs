using System.Diagnostics;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Tests.Sessions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Core.Tests.Sessions;

/// <summary>What the journal of a log in files keeps when the machine loses power: a folder's copy is what was on the disk by then.</summary>
public sealed class TurnJournalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("turn-journal-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Read_PowerLostAfterTheAppends_GivesWhatTheSessionsFilesLost()
    {
        var log = Log("disk", "monday");
        await TurnAsync(log, "s");
        await TurnAsync(log, "t");
        var lost = AfterPowerLoss("disk", "later", path => File.Delete(path));

        var again = Log(lost, "tuesday");

        Assert.Equal(3, (await again.ReadAsync("s", default)).Count);
        Assert.Equal(3, (await again.ReadAsync("t", default)).Count);
        Assert.Equal(Whole("disk", "s"), Whole(lost, "s"));
        Assert.Empty(Journals(lost));
        var listed = await again.ListAsync(null, default).ToListAsync();
        Assert.All(listed, session => Assert.Equal(_time.GetUtcNow(), session.UsedAt));
    }

    [Fact]
    public async Task Read_PowerLostWithHalfALine_PutsItBackWhole()
    {
        var log = Log("disk", "monday");
        await TurnAsync(log, "s");
        var whole = Whole("disk", "s");
        for (var length = 0; length <= whole.Length; length += 7)
        {
            var lost = AfterPowerLoss("disk", $"at-{length}", path => File.WriteAllBytes(path, whole[..length]));

            Assert.Equal(3, (await Log(lost, "tuesday").ReadAsync("s", default)).Count);
            Assert.Equal(whole, Whole(lost, "s"));
        }
    }

    [Fact]
    public async Task Read_JournalTornAnywhere_GivesEveryEntryThatIsWholeInIt()
    {
        var log = Log("disk", "monday");
        await TurnAsync(log, "s");
        var journal = File.ReadAllBytes(Assert.Single(Journals(AfterPowerLoss("disk", "whole", _ => { }))));
        var end = Array.FindLastIndex(journal, value => value != 0) + 1;
        var most = 0;
        for (var length = 0; length <= end; length += 5)
        {
            var lost = AfterPowerLoss("disk", $"torn-{length}", File.Delete);
            File.WriteAllBytes(Journals(lost)[0], [.. journal[..length], .. new byte[journal.Length - length]]);

            var entries = (await Log(lost, "tuesday").ReadAsync("s", default)).Count;

            Assert.True(entries >= most, $"{entries} entries with {length} bytes of the journal, {most} with fewer.");
            most = entries;
        }

        Assert.InRange(most, 2, 3);
    }

    [Fact]
    public async Task Read_PowerLostAfterADeletion_BringsNothingBack()
    {
        var log = Log("disk", "monday");
        await TurnAsync(log, "s");
        await log.DeleteAsync("s", default);
        var lost = AfterPowerLoss("disk", "later", File.Delete);

        Assert.Empty(await Log(lost, "tuesday").ReadAsync("s", default));
        Assert.False(File.Exists(PathOf(lost, "s")));
    }

    [Fact]
    public async Task Read_TwoProcessesWroteASession_PutsBackBothOnesEntriesInOrder()
    {
        var (first, second) = (Log("disk", "monday"), Log("disk", "monday"));
        await first.AppendAsync("s", 0, TurnLogContract.Started, default);
        await second.AppendAsync("s", 1, TurnLogContract.Ended, default); // behind another's: its file goes to the disk itself
        await second.AppendAsync("s", 2, new TurnResumed("turn-1", DateTimeOffset.UnixEpoch), default);
        var lines = Whole("disk", "s");
        var third = Array.LastIndexOf(lines, (byte)'\n', lines.Length - 2) + 1;
        var lost = AfterPowerLoss("disk", "later", path => File.WriteAllBytes(path, lines[..third]));

        Assert.Equal(3, (await Log(lost, "tuesday").ReadAsync("s", default)).Count);
    }

    [Fact]
    public async Task Append_ManyMoreThanAJournalHolds_KeepsFewJournalsAndEveryEntry()
    {
        await using (var log = Log("disk", "monday", journalBytes: 4096))
        {
            await Task.WhenAll(Enumerable.Range(0, 200).Select(i => TurnAsync(log, $"s{i}")));
            Assert.InRange(Journals("disk").Length, 1, 8);
        }

        Assert.Empty(Journals("disk"));
        for (var i = 0; i < 200; i++)
        {
            Assert.Equal(3, (await Log("disk", "monday").ReadAsync($"s{i}", default)).Count);
        }
    }

    [Fact]
    public async Task Append_JournalCannotBeMade_BringsTheSessionsFileToTheDisk()
    {
        // No file system has so many bytes.
        var log = Log("disk", "monday", journalBytes: long.MaxValue / 2);
        await TurnAsync(log, "s");

        Assert.Empty(Journals("disk"));
        Assert.Equal(3, (await Log("disk", "monday").ReadAsync("s", default)).Count);
    }

    [Fact]
    public async Task Open_ProcessWasKilled_RemovesItsJournalOnceTheSessionsAreOnTheDisk()
    {
        await TurnAsync(Log("disk", "monday"), "s");
        var left = AfterPowerLoss("disk", "left", _ => { }); // the same start of the machine, and nobody has the journal

        var log = Log(left, "monday");
        Assert.Equal(3, (await log.ReadAsync("s", default)).Count);
        await log.DisposeAsync();

        Assert.Empty(Journals(left));
    }

    [Fact]
    public async Task Open_AnotherProcessIsAtWork_LeavesItsJournal()
    {
        var log = Log("disk", "monday");
        await TurnAsync(log, "s");

        await using (var other = Log("disk", "monday"))
        {
            await TurnAsync(other, "t");
        }

        Assert.Single(Journals("disk"));
    }

    private FileTurnLog Log(string folder, string boot, long journalBytes = 1 << 16) =>
        new(Path.Combine(_folder, folder), TurnLogSync.Turns, _time, boot, journalBytes);

    private static async Task TurnAsync(FileTurnLog log, string session)
    {
        await log.AppendAsync(session, 0, TurnLogContract.Started, default);
        await log.AppendAsync(session, 1, TurnLogContract.Tokens, default);
        await log.AppendAsync(session, 2, TurnLogContract.Ended, default);
    }

    /// <summary>The folder as it would be found: journals as they are, sessions' files as they suffer.</summary>
    private string AfterPowerLoss(string folder, string into, Action<string> suffer)
    {
        // Not by .NET, which asks for the lock that a journal's process has.
        using (var copy = Process.Start("cp", ["-r", Path.Combine(_folder, folder), Path.Combine(_folder, into)]))
        {
            copy.WaitForExit();
            Assert.Equal(0, copy.ExitCode);
        }

        foreach (var file in Directory.GetFiles(Path.Combine(_folder, into), "*.turns"))
        {
            suffer(file);
        }

        return into;
    }

    private byte[] Whole(string folder, string session) => File.ReadAllBytes(PathOf(folder, session));

    private string PathOf(string folder, string session) => Path.Combine(_folder, folder, FileTurnLog.NameOf(session));

    private string[] Journals(string folder) => Directory.GetFiles(Path.Combine(_folder, folder), "*.journal");
}
