using System.CommandLine;
using LlavaCluster.Client.Terminal;
using LlavaCluster.Protos;

namespace LlavaCluster.Client.Commands;

/// <summary><c>llava ask [IMAGE…] QUESTION</c>: one question, its answer on standard output.</summary>
internal static class AskCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var words = new Argument<string[]>("IMAGE... QUESTION")
        {
            Description = "Image files, then the question.",
            Arity = ArgumentArity.OneOrMore,
        };
        var server = new ServerOption();
        var sampling = new SamplingFlags();
        var command = new Command("ask", "Asks one question about any number of pictures.") { words, server.Option };
        sampling.AddTo(command);
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            using var client = server.Connect(parsed);
            var given = parsed.GetRequiredValue(words);
            var request = sampling.Request(parsed);
            foreach (var path in given[..^1])
            {
                request.Parts.Add(new Part { ImageSha256 = (await ImageFiles.PutAsync(client, path, cancel)).Sha256 });
            }

            request.Parts.Add(new Part { Text = given[^1] });
            var finished = await AnswerPrinter.PrintAsync(client.ChatAsync(request, cancel), Console.Out);
            return finished.Reason == FinishReason.Failed
                ? throw new UserErrorException("The engine failed while it answered; the server's log has the reason.")
                : CommandLine.Done;
        }));
        return command;
    }
}
