using System.Globalization;
using LlavaCluster.Protos;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace LlavaCluster.Client.Terminal;

/// <summary>Two tables: the processes of a cluster, and the replicas of its model with their ranks.</summary>
internal static class FleetPrinter
{
    /// <summary>Columns where there is no terminal to say how wide it is.</summary>
    private const int PlainWidth = 160;

    /// <summary>Writes them to standard output.</summary>
    public static void Print(GetFleetResponse fleet)
    {
        var console = AnsiConsole.Console;
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = PlainWidth;
        }

        console.Write(Of(fleet));
    }

    /// <summary>Both tables, and what all processes have in common.</summary>
    public static IRenderable Of(GetFleetResponse fleet) => new Rows(Silos(fleet), Replicas(fleet), new Text(Served(fleet)));

    private static Table Silos(GetFleetResponse fleet)
    {
        var table = TableOf("silo", "roles", "status", "sessions", "turns", "tiles");
        foreach (var silo in fleet.Silos)
        {
            table.AddRow(Escape(
                silo.Address,
                string.Join(' ', silo.Roles),
                Status(silo),
                Number(silo.Sessions),
                Number(silo.Turns),
                silo.Encoder is not { } encoder ? "" : $"{Number(encoder.TilesOutstanding)} wait, {Number(encoder.TilesPerSecond)}/s"));
        }

        return table;
    }

    private static Table Replicas(GetFleetResponse fleet)
    {
        var table = TableOf("replica", "state", "epoch", "turns", "KV", "tokens/s", "ranks");
        foreach (var replica in fleet.Replicas)
        {
            var used = replica.KvBlocks == 0 ? 0 : 100.0 * (replica.KvBlocks - replica.KvBlocksFree) / replica.KvBlocks;
            table.AddRow(Escape(
                replica.Name,
                replica.Serving ? "serving" : "incomplete",
                Number(replica.Epoch),
                $"{Number(replica.Running)} run, {Number(replica.Waiting)} wait",
                replica.Serving ? $"{Number(used)} %" : "",
                Number(replica.AnswerTokensPerSecond),
                string.Join('\n', replica.Ranks.Select(rank => Rank(rank, replica)))));
        }

        return table;
    }

    private static string Served(GetFleetResponse fleet)
    {
        var checkpoints = fleet.Silos.Where(silo => silo.SilentSeconds >= 0).Select(silo => silo.Checkpoint).Distinct();
        var versions = fleet.Silos.Where(silo => silo.SilentSeconds >= 0).Select(silo => silo.Version).Distinct();
        return $"  checkpoint {string.Join(", ", checkpoints)}, version {string.Join(", ", versions)}\n";
    }

    private static string Rank(FleetRank rank, FleetReplica replica)
    {
        var isWhole = rank.State == "all ranks";
        var name = rank.Rank < 0 ? "spare" : isWhole && replica.RankCount > 1 ? $"0–{replica.RankCount - 1}" : $"{rank.Rank}";
        return $"{name} at {rank.Silo}{(isWhole || rank.State == "serving" ? "" : $" {rank.State}")}{(rank.Note.Length > 0 ? $": {rank.Note}" : "")}";
    }

    private static string Status(FleetSilo silo) => silo switch
    {
        { SilentSeconds: < 0 } => $"{silo.Status}, not heard of",
        { SilentSeconds: > 2 } => $"{silo.Status}, silent for {Number(silo.SilentSeconds)} s",
        { Draining: true } => "draining",
        _ => silo.Status,
    };

    private static Table TableOf(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(column) { NoWrap = column != "ranks" });
        }

        return table;
    }

    private static string[] Escape(params string[] cells) => [.. cells.Select(cell => Markup.Escape(cell))];

    private static string Number(double value) => value.ToString(value < 10 && value % 1 != 0 ? "N1" : "N0", CultureInfo.InvariantCulture);
}
