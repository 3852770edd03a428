using System.CommandLine;
using LlavaCluster.Client.Terminal;
using Spectre.Console;

namespace LlavaCluster.Client.Commands;

/// <summary><c>llava status [--watch]</c>: processes and replicas of a cluster.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var watch = new Option<bool>("--watch") { Description = "Show it anew each second, until Ctrl-C." };
        var server = new ServerOption();
        var command = new Command("status", "Shows the processes and replicas of the cluster.") { watch, server.Option };
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            using var client = server.Connect(parsed);
            if (!parsed.GetValue(watch))
            {
                FleetPrinter.Print(await client.GetFleetAsync(cancel));
                return CommandLine.Done;
            }

            return await WatchAsync(client, cancel);
        }));
        return command;
    }

    private static async Task<int> WatchAsync(LlavaClient client, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Every);
        try
        {
            await AnsiConsole.Live(new Text("")).StartAsync(async live =>
            {
                do
                {
                    live.UpdateTarget(FleetPrinter.Of(await client.GetFleetAsync(cancel)));
                    live.Refresh();
                }
                while (await timer.WaitForNextTickAsync(cancel));
            });
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Ctrl-C is how watching ends.
        }

        return CommandLine.Done;
    }
}
