using System.CommandLine;
using LlavaCluster.Client.Terminal;

namespace LlavaCluster.Client.Commands;

/// <summary><c>llava chat</c>: a conversation at the terminal.</summary>
internal static class ChatCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var session = new Option<string>("--session")
        {
            Description = "Goes on with this conversation.",
            DefaultValueFactory = _ => "",
        };
        var server = new ServerOption();
        var sampling = new SamplingFlags();
        var command = new Command("chat", "Talks about pictures at the terminal. '/help' inside tells how.")
        {
            session,
            server.Option,
        };
        sampling.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            using var client = server.Connect(parsed);
            var request = sampling.Request(parsed);
            request.SessionId = parsed.GetValue(session)!;
            var loop = new ChatLoop(client, request, Console.In, new Screen(Console.Out));
            ConsoleCancelEventHandler onInterrupt = (_, pressed) =>
            {
                pressed.Cancel = true;
                loop.Interrupt();
            };
            Console.CancelKeyPress += onInterrupt;
            try
            {
                await loop.RunAsync();
                return CommandLine.Done;
            }
            finally
            {
                Console.CancelKeyPress -= onInterrupt;
            }
        });
        return command;
    }
}
