using System.Globalization;
using System.Text.Json.Nodes;
using LlavaCluster.Training.Suites;
using Spectre.Console;

namespace LlavaCluster.Silo.Evaluation;

/// <summary>What came of a suite: for people, for programs, and for terminals.</summary>
internal static class SuiteReport
{
    private static readonly string[] Ratios = [SuiteTally.TwoTurns, SuiteTally.TwoPictures];

    /// <summary>A table of plain text.</summary>
    public static string Plain(SuiteTally tally)
    {
        var width = tally.Rows.Max(row => row.Name.Length);
        var lines = tally.Rows.Select(row => string.Create(
            CultureInfo.InvariantCulture, $"{row.Name.PadRight(width)}  {row.Right,6} of {row.Asked,-6} {row.Accuracy:F3}"));
        return string.Join('\n', [.. lines, .. Notes(tally)]);
    }

    /// <summary>A table for terminals.</summary>
    public static void Show(SuiteTally tally, IAnsiConsole console)
    {
        var table = new Table().AddColumns("Question", "Right", "Asked", "Accuracy");
        foreach (var row in tally.Rows)
        {
            table.AddRow(
                Markup.Escape(row.Name), $"{row.Right}", $"{row.Asked}", row.Accuracy.ToString("F3", CultureInfo.InvariantCulture));
        }

        console.Write(table);
        foreach (var note in Notes(tally))
        {
            console.WriteLine(note);
        }
    }

    /// <summary>Rows and ratios as JSON.</summary>
    public static JsonObject Json(SuiteTally tally)
    {
        var rows = tally.Rows.Select(row => (JsonNode)new JsonObject
        {
            ["row"] = row.Name,
            ["asked"] = row.Asked,
            ["right"] = row.Right,
            ["accuracy"] = Math.Round(row.Accuracy, 4),
        });
        var report = new JsonObject { ["rows"] = new JsonArray([.. rows]) };
        if (tally.SingleTurn is { } single)
        {
            report["single_turn"] = Math.Round(single, 4);
            report["of_single_turn"] = new JsonObject(
                Ratios.Select(row => KeyValuePair.Create(row, tally.OfSingleTurn(row)))
                    .Where(ratio => ratio.Value is not null)
                    .Select(ratio => KeyValuePair.Create(ratio.Key, (JsonNode?)Math.Round(ratio.Value!.Value, 4))));
        }

        return report;
    }

    private static IEnumerable<string> Notes(SuiteTally tally)
    {
        foreach (var row in Ratios)
        {
            if (tally.OfSingleTurn(row) is { } ratio)
            {
                yield return string.Create(
                    CultureInfo.InvariantCulture, $"{row}: {ratio:F2} of the mean of single questions, {tally.SingleTurn:F3}");
            }
        }
    }
}
