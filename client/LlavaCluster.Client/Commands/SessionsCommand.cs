using System.CommandLine;
using LlavaCluster.Client.Terminal;

namespace LlavaCluster.Client.Commands;

/// <summary><c>llava sessions show|delete ID</c>.</summary>
internal static class SessionsCommand
{
    /// <summary>The command.</summary>
    public static Command Create() => new("sessions", "Looks at conversations.") { Show(), Delete() };

    private static Command Show()
    {
        var id = new Argument<string>("ID") { Description = "Session id." };
        var server = new ServerOption();
        var command = new Command("show", "Prints a conversation.") { id, server.Option };
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            using var client = server.Connect(parsed);
            TranscriptPrinter.Print(await client.GetSessionAsync(parsed.GetRequiredValue(id), cancel), Console.Out);
            return CommandLine.Done;
        }));
        return command;
    }

    private static Command Delete()
    {
        var id = new Argument<string>("ID") { Description = "Session id." };
        var server = new ServerOption();
        var command = new Command("delete", "Forgets a conversation.") { id, server.Option };
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            using var client = server.Connect(parsed);
            await client.DeleteSessionAsync(parsed.GetRequiredValue(id), cancel);
            return CommandLine.Done;
        }));
        return command;
    }
}
