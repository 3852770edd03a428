using System.CommandLine;
using LlavaCluster.Client.Terminal;

namespace LlavaCluster.Client.Commands;

/// <summary><c>llava sessions list|show ID|fork ID|delete ID</c>.</summary>
internal static class SessionsCommand
{
    /// <summary>The command.</summary>
    public static Command Create() => new("sessions", "Looks at conversations.") { List(), Show(), Fork(), Delete() };

    private static Command List()
    {
        var server = new ServerOption();
        var command = new Command("list", "Lists the conversations, the one used last first.") { server.Option };
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            using var client = server.Connect(parsed);
            await foreach (var session in client.ListSessionsAsync(cancel))
            {
                Console.WriteLine($"{session.SessionId}  {session.UsedAt.ToDateTimeOffset():u}");
            }

            return CommandLine.Done;
        }));
        return command;
    }

    private static Command Fork()
    {
        var id = new Argument<string>("ID") { Description = "Session id." };
        var turn = new Option<string>("--turn") { Description = "Last turn of the copy (default: the last one that is over)." };
        var server = new ServerOption();
        var command = new Command("fork", "Copies a conversation; prints the copy's id.") { id, turn, server.Option };
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            using var client = server.Connect(parsed);
            var fork = await client.ForkSessionAsync(parsed.GetRequiredValue(id), parsed.GetValue(turn) ?? "", cancel);
            Console.WriteLine(fork.SessionId);
            return CommandLine.Done;
        }));
        return command;
    }

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
