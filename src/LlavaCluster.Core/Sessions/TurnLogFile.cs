using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlavaCluster.Core.Sessions;

/// <summary>
/// What the file of one session's log holds: a line that names the session, then a line per entry, each a <see cref="TurnLogRecord"/>. The
/// last line counts only when it is whole and its checksum is right; else a crash tore it, and the next append takes its place. A damaged
/// line before others is no crash's work.
/// </summary>
internal static class TurnLogFile
{
    private const byte LineBreak = (byte)'\n';

    /// <summary>How far a file is good.</summary>
    /// <param name="Entries">Entries.</param>
    /// <param name="Bytes">Bytes up to the end of the last good line.</param>
    public readonly record struct Extent(int Entries, long Bytes);

    /// <summary>The first line.</summary>
    public static byte[] Header(string session) =>
        TurnLogRecord.Write(JsonSerializer.SerializeToUtf8Bytes(new SessionName(session)));

    /// <summary>Goes over the lines.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="bytes">The whole file.</param>
    /// <param name="session">The session that the file should be of.</param>
    /// <param name="take">Is given each entry; null: they are only counted.</param>
    /// <exception cref="InvalidDataException">A line is damaged, or the file is another session's.</exception>
    public static Extent Read(string path, ReadOnlySpan<byte> bytes, string session, Action<TurnLogEntry>? take)
    {
        var good = default(Extent);
        for (var number = 0; good.Bytes < bytes.Length; number++)
        {
            var rest = bytes[(int)good.Bytes..];
            var end = rest.IndexOf(LineBreak);
            if (end < 0)
            {
                break;
            }

            var line = rest[..(end + 1)];
            if (!TurnLogRecord.TryOpen(line, out var json))
            {
                if (line.Length == rest.Length)
                {
                    break;
                }

                throw new InvalidDataException($"{path}, line {number + 1}: not an entry of a session's log (the checksum differs).");
            }

            if (number == 0)
            {
                CheckName(path, json, session);
            }
            else if (take is not null)
            {
                take(ReadEntry(path, number, line));
            }

            good = new Extent(number, good.Bytes + line.Length);
        }

        return good;
    }

    /// <summary>The session that a file's first line names; null when that is torn.</summary>
    public static string? NameIn(ReadOnlySpan<byte> start)
    {
        var end = start.IndexOf(LineBreak);
        return end >= 0 && TurnLogRecord.TryOpen(start[..end], out var json) ? JsonSerializer.Deserialize<SessionName>(json)?.Session : null;
    }

    private static TurnLogEntry ReadEntry(string path, int number, ReadOnlySpan<byte> line)
    {
        try
        {
            return TurnLogRecord.Read(line);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{path}, line {number + 1}: not an entry of a session's log ({error.Message}).", error);
        }
    }

    private static void CheckName(string path, ReadOnlySpan<byte> json, string session)
    {
        var name = JsonSerializer.Deserialize<SessionName>(json)?.Session;
        if (name != session)
        {
            throw new InvalidDataException($"{path} is the log of session '{name}', not of '{session}'.");
        }
    }

    private sealed record SessionName([property: JsonPropertyName("session")] string? Session);
}
