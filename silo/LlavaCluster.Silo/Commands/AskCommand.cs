using System.CommandLine;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using LlavaCluster.Protos;
using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Commands;

/// <summary>
/// <c>llava-silo ask [IMAGE…] QUESTION</c>: a whole cluster in this process for one question, asked over its own gRPC
/// edge.
/// </summary>
internal static class AskCommand
{
    /// <summary>All roles on free ports of this machine, and no log line but of trouble.</summary>
    private static readonly (string Key, string? Value)[] Alone =
    [
        ("Llava:Roles", "gateway,encoder,decoder"),
        ("Llava:Bind", "127.0.0.1"),
        ("Llava:Http", "0"),
        ("Llava:Grpc", "0"),
        ("Llava:SiloPort", "0"),
        ("Llava:DrainSeconds", "0"),
        ("Logging:LogLevel:Default", "Error"),
        ("Logging:LogLevel:Grpc", "Error"),
        ("Logging:LogLevel:Microsoft", "Error"),
        ("Logging:LogLevel:Orleans", "Error"),
        ("Logging:LogLevel:Polly", "Error"),
    ];

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var words = new Argument<string[]>("IMAGE... QUESTION")
        {
            Description = "Image files, then the question.",
            Arity = ArgumentArity.OneOrMore,
        };
        var maxTokens = new Option<int>("--max-tokens")
        {
            Description = "Most tokens of the answer.",
            DefaultValueFactory = _ => 256,
        };
        var temperature = new Option<float>("--temperature")
        {
            Description = "0 takes the most probable token each time.",
        };
        var seed = new Option<ulong?>("--seed") { Description = "Makes answers repeatable at temperatures above 0." };
        var system = new Option<string>("--system")
        {
            Description = "Instructions before the question.",
            DefaultValueFactory = _ => "",
        };
        var flags = ConfigurationFlags.OfModel();
        var command = new Command("ask", "Asks one question about any number of pictures.")
        {
            words,
            maxTokens,
            temperature,
            seed,
            system,
        };
        flags.AddTo(command);
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            var settings = flags.Read(parsed, Alone);
            settings.Node.Data = null;
            var given = parsed.GetRequiredValue(words);
            var request = new ChatRequest
            {
                MaxTokens = parsed.GetValue(maxTokens),
                System = parsed.GetValue(system)!,
                Sampling = new SamplingOptions { Temperature = parsed.GetValue(temperature) },
            };
            if (parsed.GetValue(seed) is { } number)
            {
                request.Sampling.Seed = number;
            }

            foreach (var path in given[..^1])
            {
                RequireFile(path);
            }

            await using var node = await Node.StartAsync(settings, cancel);
            await AnswerAsync(node.GrpcAddress, request, given[..^1], given[^1], cancel);
            return CommandLine.Done;
        }));
        return command;
    }

    private static async Task AnswerAsync(
        Uri server, ChatRequest request, IEnumerable<string> images, string question, CancellationToken cancel)
    {
        using var channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions { MaxReceiveMessageSize = null });
        var client = new Llava.LlavaClient(channel);
        foreach (var path in images)
        {
            request.Parts.Add(new Part { ImageSha256 = await PutAsync(client, path, cancel) });
        }

        request.Parts.Add(new Part { Text = question });
        using var call = client.Chat(request, cancellationToken: cancel);
        var began = false;
        var (tokens, characters) = (0, 0);
        try
        {
            await foreach (var happened in call.ResponseStream.ReadAllAsync(cancel))
            {
                began = true;
                if (happened.Delta is { } delta)
                {
                    Console.Write(delta.Text);
                    tokens += delta.TokenIds.Count;
                    characters += delta.Text.Length;
                }
                else if (happened.Finished is { Reason: FinishReason.Failed })
                {
                    throw new UserErrorException(
                        "The engine failed while it answered; the lines above have the reason.");
                }
            }
        }
        finally
        {
            if (began)
            {
                Console.WriteLine();
            }
        }

        if (tokens > 0 && characters == 0)
        {
            // Ids past the tokenizer's, as random weights choose them, or special ones.
            Console.Error.WriteLine(
                tokens == 1 ? "The answer's token has no text." : $"The answer's {tokens} tokens have no text.");
        }
    }

    private static async Task<string> PutAsync(Llava.LlavaClient client, string path, CancellationToken cancel)
    {
        using var call = client.PutImage(cancellationToken: cancel);
        await using var file = File.OpenRead(path);
        var piece = new byte[256 << 10];
        try
        {
            for (int read; (read = await file.ReadAsync(piece, cancel)) > 0;)
            {
                await call.RequestStream.WriteAsync(
                    new PutImageRequest { Data = ByteString.CopyFrom(piece, 0, read) }, cancel);
            }

            await call.RequestStream.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            // The server answered before it had read all: what it says is in the response.
        }

        try
        {
            return (await call.ResponseAsync).Sha256;
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.InvalidArgument)
        {
            throw new UserErrorException($"{path}: {error.Status.Detail}", error);
        }
    }

    private static void RequireFile(string path)
    {
        if (Directory.Exists(path))
        {
            throw new UserErrorException($"'{path}' is a folder; an image file is needed.");
        }

        if (!File.Exists(path))
        {
            throw new UserErrorException($"There is no image file '{path}'.");
        }
    }
}
