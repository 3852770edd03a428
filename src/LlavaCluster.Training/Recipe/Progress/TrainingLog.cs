using System.Text.Json;

namespace LlavaCluster.Training.Recipe.Progress;

/// <summary>The log of a run: one JSON object per line, small enough to be kept with the weights. One thread.</summary>
internal sealed class TrainingLog
{
    private static readonly JsonSerializerOptions Form = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private readonly string _path;
    private readonly List<LogEntry> _entries;

    private TrainingLog(string path, List<LogEntry> entries) => (_path, _entries) = (path, entries);

    /// <summary>All lines.</summary>
    public IReadOnlyList<LogEntry> Entries => _entries;

    /// <summary>Opens a run's log. Lines behind the state that a run is resumed from are dropped: that work is done again.</summary>
    /// <param name="path">The file; it need not be there.</param>
    /// <param name="isKept">Whether a line is of work that the state has.</param>
    public static TrainingLog Open(string path, Func<LogEntry, bool> isKept)
    {
        var entries = new List<LogEntry>();
        if (File.Exists(path))
        {
            foreach (var line in File.ReadLines(path))
            {
                // A crash can cut the last line.
                if (line.EndsWith('}') && JsonSerializer.Deserialize<LogEntry>(line, Form) is { } entry && isKept(entry))
                {
                    entries.Add(entry);
                }
            }
        }

        File.WriteAllLines(path, entries.Select(Line));
        return new TrainingLog(path, entries);
    }

    /// <summary>Adds a line.</summary>
    public void Add(LogEntry entry)
    {
        var rounded = entry with
        {
            Seconds = Math.Round(entry.Seconds),
            Loss = Math.Round(entry.Loss, 4),
            Rate = Math.Round(entry.Rate, 7),
            Norm = Math.Round(entry.Norm, 2),
            PerSecond = Math.Round(entry.PerSecond, 1),
            Score = entry.Score is { } score
                ? new SortedDictionary<string, double>(score.ToDictionary(s => s.Key, s => Math.Round(s.Value, 3)), StringComparer.Ordinal)
                : null,
        };
        _entries.Add(rounded);
        File.AppendAllText(_path, Line(rounded) + "\n");
    }

    private static string Line(LogEntry entry) => JsonSerializer.Serialize(entry, Form);
}
