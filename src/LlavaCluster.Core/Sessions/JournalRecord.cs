using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlavaCluster.Core.Sessions;

/// <summary>
/// An entry of a session's log as a journal has it: a line that says whose and which it is, then the line that the session's file has. Both
/// are <see cref="TurnLogRecord"/>s.
/// </summary>
/// <param name="Session">Session id.</param>
/// <param name="At">Number of the entry in the session's log, from 0.</param>
/// <param name="Used">When it was appended.</param>
/// <param name="Line">Its line; empty: the session's log is being removed, with all that was in it.</param>
internal sealed record JournalRecord(string Session, int At, DateTimeOffset Used, byte[] Line)
{
    private const byte LineBreak = (byte)'\n';

    /// <summary>The record of a log that is being removed.</summary>
    public static JournalRecord Gone(string session, DateTimeOffset used) => new(session, 0, used, []);

    /// <summary>The record's bytes.</summary>
    public void WriteTo(Stream stream)
    {
        stream.Write(TurnLogRecord.Write(JsonSerializer.SerializeToUtf8Bytes(new Head(Session, At, Used, Line.Length))));
        stream.Write(Line);
    }

    /// <summary>The records of a journal, oldest first, up to the first that is not whole: a crash left it so, and nobody was told of it.</summary>
    /// <param name="bytes">The whole file.</param>
    public static IReadOnlyList<JournalRecord> ReadAll(ReadOnlySpan<byte> bytes)
    {
        var records = new List<JournalRecord>();
        while (TryTake(ref bytes, out var json) && JsonSerializer.Deserialize<Head>(json) is { } head && head.Bytes <= bytes.Length)
        {
            var line = bytes[..head.Bytes];
            if (line.Length > 0 && !TurnLogRecord.TryOpen(line, out _))
            {
                break;
            }

            records.Add(new JournalRecord(head.Session, head.At, head.Used, line.ToArray()));
            bytes = bytes[head.Bytes..];
        }

        return records;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> json)
    {
        var end = bytes.IndexOf(LineBreak);
        if (end < 0 || !TurnLogRecord.TryOpen(bytes[..end], out json))
        {
            json = default;
            return false;
        }

        bytes = bytes[(end + 1)..];
        return true;
    }

    private sealed record Head(
        [property: JsonPropertyName("session")] string Session,
        [property: JsonPropertyName("at")] int At,
        [property: JsonPropertyName("used")] DateTimeOffset Used,
        [property: JsonPropertyName("bytes")] int Bytes);
}
