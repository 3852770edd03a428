using System.CommandLine;
using Grpc.Core;

namespace LlavaCluster.Client.Commands;

/// <summary><c>llava drain SILO [--wait]</c>: has a process finish or hand over what it does, and end.</summary>
internal static class DrainCommand
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var silo = new Argument<string>("SILO") { Description = "Address of the process, as 'llava status' shows it." };
        var wait = new Option<bool>("--wait") { Description = "Return only when it has left the cluster." };
        var server = new ServerOption();
        var command = new Command("drain", "Has a process take nothing new, end or hand over what it does, and exit.") { silo, wait, server.Option };
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            using var client = server.Connect(parsed);
            var address = await client.DrainSiloAsync(parsed.GetRequiredValue(silo), cancel);
            Console.WriteLine($"{address} drains.");
            if (parsed.GetValue(wait))
            {
                await UntilGoneAsync(client, address, cancel);
                Console.WriteLine($"{address} has left.");
            }

            return CommandLine.Done;
        }));
        return command;
    }

    private static async Task UntilGoneAsync(LlavaClient client, string address, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Every);
        var saw = false;
        while (await IsThereAsync(client, address, saw, cancel))
        {
            saw = true;
            await timer.WaitForNextTickAsync(cancel);
        }
    }

    /// <summary>A process that was asked about itself, and answers no more, is gone.</summary>
    private static async Task<bool> IsThereAsync(LlavaClient client, string address, bool wasAnswered, CancellationToken cancel)
    {
        try
        {
            return (await client.GetFleetAsync(cancel)).Silos.Any(silo => silo.Address == address);
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable && wasAnswered)
        {
            return false;
        }
    }
}
