using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>A line as it is printed.</summary>
internal sealed record TableLine(
    string Name, string What, double Measured, double Baseline, string Unit, double Ratio, string Goal, bool Met, string Note)
{
    /// <summary>Judges a row's result.</summary>
    public static TableLine Of(TableRow row, TableRun run, RowResult result) => new(
        row.Name,
        row.What,
        result.Measured,
        result.Baseline,
        result.Unit,
        result.Ratio,
        string.Create(CultureInfo.InvariantCulture, $"{(row.AtMost ? "≤" : "≥")} {row.Goal(run):0.00}"),
        row.IsMet(run, result.Ratio),
        result.Note);
}

/// <summary>The table as text.</summary>
internal static class TableText
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>For people; also a Markdown table.</summary>
    public static string Plain(string machine, IReadOnlyList<TableLine> lines)
    {
        string[] titles = ["name", "what", "measured", "baseline", "unit", "ratio", "goal", "verdict", "note"];
        var cells = lines.Select(line => new[]
        {
            line.Name, line.What, $"{line.Measured:N2}", $"{line.Baseline:N2}", line.Unit, $"{line.Ratio:F3}", line.Goal,
            line.Met ? "met" : "MISSED", line.Note,
        }).Prepend(titles).ToArray();
        var widths = Enumerable.Range(0, titles.Length).Select(column => cells.Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder(machine).AppendLine().AppendLine();
        for (var row = 0; row < cells.Length; row++)
        {
            text.AppendLine($"| {string.Join(" | ", cells[row].Zip(widths, (cell, width) => cell.PadRight(width)))} |");
            if (row == 0)
            {
                text.AppendLine($"|{string.Join("|", widths.Select(width => new string('-', width + 2)))}|");
            }
        }

        var missed = lines.Count(line => !line.Met);
        return text.AppendLine().Append(missed == 0 ? "All goals are met." : $"{missed} of {lines.Count} goals are missed.").ToString();
    }

    /// <summary>For programs.</summary>
    public static string Json(string machine, bool quick, IReadOnlyList<TableLine> lines)
        => JsonSerializer.Serialize(new { machine, quick, rows = lines, met = lines.All(line => line.Met) }, Indented);
}
