using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Sessions;

/// <summary>
/// One file of JSON lines per session. An entry counts once its line is whole and on the disk; a last line that was cut off by a crash is
/// no entry, and the next append takes its place.
/// </summary>
public sealed class FileTurnLog : ITurnLog
{
    private const int SeenSessions = 100_000;

    private readonly string _folder;
    private readonly SemaphoreSlim[] _gates = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1, 1))];

    // Entries and bytes of each log as this process last saw it; good as long as the file has as many bytes.
    private readonly ByteBoundedCache<string, (int Entries, long Bytes)> _seen = new(SeenSessions);

    /// <summary>In this folder, which is made when it is not there.</summary>
    public FileTurnLog(string folder)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<TurnLogEntry>> ReadAsync(string session, CancellationToken cancellationToken) =>
        InOrder<IReadOnlyList<TurnLogEntry>>(
            session,
            path =>
            {
                if (!File.Exists(path))
                {
                    return [];
                }

                var entries = new List<TurnLogEntry>();
                var bytes = File.ReadAllBytes(path);
                ReadOnlySpan<byte> rest = bytes;
                for (int end; (end = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(end + 1)..])
                {
                    entries.Add(ReadEntry(path, entries.Count, rest[..end]));
                }

                _seen.Set(session, (entries.Count, bytes.Length - rest.Length), 1);
                return entries;
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task AppendAsync(string session, int expectedLength, TurnLogEntry entry, CancellationToken cancellationToken) =>
        InOrder(
            session,
            path =>
            {
                var line = TurnLogJson.Write(entry);
                using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                if (!_seen.TryGet(session, out var seen) || seen.Bytes != file.Length)
                {
                    seen = Count(file);
                }

                if (seen.Entries != expectedLength)
                {
                    throw new TurnLogFencedException(session, expectedLength, seen.Entries);
                }

                file.SetLength(seen.Bytes); // cuts off a torn last line
                file.Position = seen.Bytes;
                file.Write(line);
                file.Flush(flushToDisk: true);
                _seen.Set(session, (seen.Entries + 1, seen.Bytes + line.Length), 1);
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
                return true;
            },
            cancellationToken);

    /// <summary>
    /// File name of a session: its id where that is short and plain, else a hash of it. The first letter keeps the two apart.
    /// </summary>
    internal static string NameOf(string session) =>
        session.Length is > 0 and <= 64 && session.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_')
            ? $"s-{session}.jsonl"
            : $"h-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(session)))}.jsonl";

    private static TurnLogEntry ReadEntry(string path, int number, ReadOnlySpan<byte> line)
    {
        try
        {
            return TurnLogJson.Read(line);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path}, line {number + 1}: not an entry of a session's log ({error.Message}).", error);
        }
    }

    private static (int Entries, long Bytes) Count(FileStream file)
    {
        var (entries, whole, at) = (0, 0L, 0L);
        var buffer = new byte[64 << 10];
        file.Position = 0;
        for (int read; (read = file.Read(buffer)) > 0; at += read)
        {
            for (var i = 0; i < read; i++)
            {
                if (buffer[i] == '\n')
                {
                    (entries, whole) = (entries + 1, at + i + 1);
                }
            }
        }

        return (entries, whole);
    }

    /// <summary>On a pool thread, since a disk may take its time; one at a time per session.</summary>
    private async Task<T> InOrder<T>(string session, Func<string, T> work, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_folder, NameOf(session));
        var gate = _gates[(uint)session.GetHashCode() % (uint)_gates.Length];
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => work(path), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            gate.Release();
        }
    }
}
