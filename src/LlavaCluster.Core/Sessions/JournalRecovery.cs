namespace LlavaCluster.Core.Sessions;

/// <summary>
/// What is done about journals whose process is gone. One of an earlier start of the machine: its entries are put behind those that the
/// sessions' files have. One of this start: the operating system has everything, and the sessions' files only go to the disk. Then it goes.
/// </summary>
/// <param name="folder">Where journals and sessions' files are.</param>
/// <param name="boot">Name of the time since the machine was started; empty: not known.</param>
/// <param name="pathOf">The file of a session.</param>
internal sealed class JournalRecovery(string folder, string boot, Func<string, string> pathOf)
{
    private const string BootFile = "/proc/sys/kernel/random/boot_id";

    /// <summary>Name of the time since this machine was started; empty: not known.</summary>
    public static string Boot { get; } = File.Exists(BootFile) ? File.ReadAllText(BootFile).Trim() : "";

    /// <summary>Puts back what a loss of power took. Another process that does so already is waited for.</summary>
    /// <exception cref="IOException">Not all of it can be put back now; the journals stay.</exception>
    public async Task PutBackAsync()
    {
        var journals = new List<FileStream>();
        try
        {
            foreach (var path in Journals().Where(path => boot.Length == 0 || JournalFile.BootOf(path) != boot))
            {
                if (await OpenAsync(path).ConfigureAwait(false) is { } journal)
                {
                    journals.Add(journal);
                }
            }

            // Of one session several processes may have entries.
            foreach (var session in journals.SelectMany(Records).GroupBy(record => record.Session))
            {
                if (!session.Any(record => record.Line.Length == 0))
                {
                    await PutBackAsync(pathOf(session.Key), session.Key, [.. session.OrderBy(record => record.At)]).ConfigureAwait(false);
                }
            }

            journals.ForEach(journal => File.Delete(journal.Name));
        }
        finally
        {
            journals.ForEach(journal => journal.Dispose());
        }
    }

    /// <summary>Brings to the disk what processes that were killed have left with the operating system.</summary>
    /// <exception cref="IOException">Not all of it can be brought there now; the journals stay.</exception>
    public void Settle()
    {
        foreach (var path in Journals())
        {
            try
            {
                using var journal = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
                foreach (var session in Records(journal).Select(record => record.Session).Distinct())
                {
                    JournalFile.SyncFile(pathOf(session));
                }

                File.Delete(path);
            }
            catch (FileNotFoundException)
            {
                // Another process was quicker.
            }
            catch (IOException error) when (error.HResult == LockedFile.InUse)
            {
                // Its process is at work.
            }
        }
    }

    private string[] Journals()
    {
        foreach (var half in Directory.EnumerateFiles(folder, $"*{JournalFile.NewExtension}").Where(IsAbandoned))
        {
            File.Delete(half);
        }

        return Directory.GetFiles(folder, $"*{JournalFile.Extension}");
    }

    private static bool IsAbandoned(string path)
    {
        try
        {
            new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0).Dispose();
            return true;
        }
        catch (IOException)
        {
            return false; // at work, or a journal by now
        }
    }

    private static async Task<FileStream?> OpenAsync(string path)
    {
        try
        {
            return await LockedFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite).ConfigureAwait(false);
        }
        catch (FileNotFoundException)
        {
            return null; // another process was quicker
        }
    }

    private static IReadOnlyList<JournalRecord> Records(FileStream journal)
    {
        var bytes = new byte[journal.Length];
        journal.Position = 0;
        journal.ReadExactly(bytes);
        return JournalRecord.ReadAll(bytes);
    }

    /// <summary>Writes the entries behind those that the file has; one that comes behind a gap is of no use.</summary>
    private static async Task PutBackAsync(string path, string session, JournalRecord[] records)
    {
        if (records[0].At > 0 && !File.Exists(path))
        {
            return;
        }

        await using var file = await LockedFile.OpenAsync(path, FileMode.OpenOrCreate, FileAccess.ReadWrite).ConfigureAwait(false);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        TurnLogFile.Extent good;
        try
        {
            good = TurnLogFile.Read(path, bytes, session, null);
        }
        catch (InvalidDataException)
        {
            return; // who asks for the session is told
        }

        file.SetLength(good.Bytes);
        file.Position = good.Bytes;
        if (good.Bytes == 0)
        {
            file.Write(TurnLogFile.Header(session));
        }

        var (entries, used) = (good.Entries, (DateTimeOffset?)null);
        foreach (var record in records)
        {
            if (record.At == entries)
            {
                file.Write(record.Line);
                (entries, used) = (entries + 1, record.Used);
            }
        }

        file.Flush(flushToDisk: true);
        if (used is { } last)
        {
            File.SetLastWriteTimeUtc(file.SafeFileHandle, last.UtcDateTime);
        }
    }
}
