using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Sessions;

/// <summary>
/// One file per session, which only grows (<see cref="TurnLogFile"/>). Processes of one machine may share the folder: each append locks its
/// file, looks how long it is, and writes at its end.
/// </summary>
public sealed class FileTurnLog : ITurnLog
{
    private const int SeenSessions = 100_000;
    private const string Extension = ".turns";

    private readonly string _folder;
    private readonly TurnLogSync _sync;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim[] _gates = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1, 1))];

    // How far each log was good when this process last saw it; holds as long as the file has as many bytes.
    private readonly ByteBoundedCache<string, TurnLogFile.Extent> _seen = new(SeenSessions);

    /// <summary>In this folder, which is made when it is not there.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="sync">What is on the disk when an append is over.</param>
    /// <param name="time">The clock that says when a session was used; null: the system's.</param>
    public FileTurnLog(string folder, TurnLogSync sync = TurnLogSync.Turns, TimeProvider? time = null)
    {
        (_folder, _sync, _time) = (folder, sync, time ?? TimeProvider.System);
        Directory.CreateDirectory(folder);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<TurnLogEntry>> ReadAsync(string session, CancellationToken cancellationToken) =>
        InOrder<IReadOnlyList<TurnLogEntry>>(
            session,
            async path =>
            {
                var entries = new List<TurnLogEntry>();
                if (File.Exists(path))
                {
                    await using var file = await LockedFile.OpenAsync(path, FileMode.Open, FileAccess.Read).ConfigureAwait(false);
                    _seen.Set(session, TurnLogFile.Read(path, ReadAll(file), session, entries.Add), 1);
                }

                return entries;
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task AppendAsync(string session, int expectedLength, TurnLogEntry entry, CancellationToken cancellationToken) =>
        InOrder(
            session,
            async path =>
            {
                var line = TurnLogRecord.Write(entry);
                await using var file = await LockedFile.OpenAsync(path, FileMode.OpenOrCreate, FileAccess.ReadWrite).ConfigureAwait(false);
                if (!_seen.TryGet(session, out var seen) || seen.Bytes != file.Length)
                {
                    seen = TurnLogFile.Read(path, ReadAll(file), session, null);
                }

                if (seen.Entries != expectedLength)
                {
                    throw new TurnLogFencedException(session, expectedLength, seen.Entries);
                }

                if (seen.Bytes < file.Length)
                {
                    file.SetLength(seen.Bytes); // cuts off a torn last line
                }

                _seen.Remove(session); // unknown until the line is whole
                line = seen.Bytes == 0 ? [.. TurnLogFile.Header(session), .. line] : line;
                file.Position = seen.Bytes;
                file.Write(line);
                file.Flush(flushToDisk: _sync == TurnLogSync.Always || (_sync == TurnLogSync.Turns && entry is not TurnTokens));
                File.SetLastWriteTimeUtc(file.SafeFileHandle, _time.GetUtcNow().UtcDateTime);
                _seen.Set(session, new TurnLogFile.Extent(seen.Entries + 1, seen.Bytes + line.Length), 1);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task DeleteAsync(string session, CancellationToken cancellationToken) =>
        InOrder(
            session,
            path =>
            {
                _seen.Remove(session);
                File.Delete(path);
                return Task.FromResult(true);
            },
            cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<LoggedSession> ListAsync(
        DateTimeOffset? usedBefore, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var before = usedBefore?.UtcDateTime ?? DateTime.MaxValue;
        var files = await Task.Run(
            () => new DirectoryInfo(_folder).EnumerateFiles($"*{Extension}").Where(file => file.LastWriteTimeUtc < before)
                .OrderByDescending(file => file.LastWriteTimeUtc).ToArray(),
            cancellationToken).ConfigureAwait(false);
        // Names are inside the files: those of one time are read together, to be put in order.
        foreach (var group in files.GroupBy(file => file.LastWriteTimeUtc))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var names = new List<string>();
            foreach (var file in group)
            {
                if (await NameInAsync(file.FullName).ConfigureAwait(false) is { } name)
                {
                    names.Add(name);
                }
            }

            foreach (var name in names.Order(StringComparer.Ordinal))
            {
                yield return new LoggedSession(name, new DateTimeOffset(group.Key));
            }
        }
    }

    /// <summary>
    /// File name of a session: its id where that is short and plain, else a hash of it. The first letter keeps the two apart.
    /// </summary>
    internal static string NameOf(string session) =>
        session.Length is > 0 and <= 64 && session.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_')
            ? $"s-{session}{Extension}"
            : $"h-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(session)))}{Extension}";

    private static async Task<string?> NameInAsync(string path)
    {
        try
        {
            // The first line never changes, but .NET locks whatever it opens: who appends to the file is waited for.
            await using var file = await LockedFile.OpenAsync(path, FileMode.Open, FileAccess.Read).ConfigureAwait(false);
            var start = new byte[4096];
            return TurnLogFile.NameIn(start.AsSpan(0, file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)));
        }
        catch (FileNotFoundException)
        {
            return null; // deleted meanwhile
        }
    }

    private static byte[] ReadAll(FileStream file)
    {
        var bytes = new byte[file.Length];
        file.Position = 0;
        file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>On a pool thread, since a disk may take its time; one at a time per session.</summary>
    private async Task<T> InOrder<T>(string session, Func<string, Task<T>> work, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_folder, NameOf(session));
        var gate = _gates[(uint)session.GetHashCode() % (uint)_gates.Length];
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => work(path), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"The conversation cannot be read or written now: {error.Message}", error);
        }
        finally
        {
            gate.Release();
        }
    }
}
