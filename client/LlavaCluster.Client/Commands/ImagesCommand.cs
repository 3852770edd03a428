using System.CommandLine;
using LlavaCluster.Protos;

namespace LlavaCluster.Client.Commands;

/// <summary><c>llava images put FILE… | info SHA256</c>.</summary>
internal static class ImagesCommand
{
    /// <summary>The command.</summary>
    public static Command Create() => new("images", "Uploads pictures, and tells of them.") { Put(), Info() };

    private static Command Put()
    {
        var files = new Argument<string[]>("FILE") { Description = "Image files.", Arity = ArgumentArity.OneOrMore };
        var server = new ServerOption();
        var command = new Command("put", "Uploads pictures; turns can name them by their hash.")
        {
            files,
            server.Option,
        };
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            using var client = server.Connect(parsed);
            foreach (var path in parsed.GetRequiredValue(files))
            {
                Console.WriteLine(Line(await ImageFiles.PutAsync(client, path, cancel)));
            }

            return CommandLine.Done;
        }));
        return command;
    }

    private static Command Info()
    {
        var hash = new Argument<string>("SHA256") { Description = "64 hexadecimal digits." };
        var server = new ServerOption();
        var command = new Command("info", "Tells of a picture that was uploaded.") { hash, server.Option };
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            using var client = server.Connect(parsed);
            Console.WriteLine(Line(await client.GetImageInfoAsync(parsed.GetRequiredValue(hash), cancel)));
            return CommandLine.Done;
        }));
        return command;
    }

    private static string Line(ImageInfo image) =>
        $"{image.Sha256} {image.Format} {image.Width}×{image.Height} {image.Bytes} bytes {image.ImageTokens} tokens";
}
