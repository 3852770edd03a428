using System.CommandLine;
using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Commands;

/// <summary><c>llava-silo serve</c>: one process of a cluster, until SIGTERM.</summary>
internal static class ServeCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var flags = ConfigurationFlags.OfNode();
        var command = new Command("serve", "Serves until SIGTERM or Ctrl-C (the default command).");
        flags.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var settings = flags.Read(parsed);
            Node node;
            try
            {
                node = await Node.StartAsync(settings, cancel);
            }
            catch (OperationCanceledException)
            {
                return CommandLine.Done; // SIGTERM while it loaded
            }

            await using (node)
            {
                Console.WriteLine(node.ReadyLine);
                await node.WaitForShutdownAsync();
            }

            return CommandLine.Done;
        });
        return command;
    }
}
