using LlavaCluster.Client.Commands;
using LlavaCluster.Protos;

namespace LlavaCluster.Client.Terminal;

/// <summary>
/// A conversation at a terminal: reads lines, sends turns, streams answers. <see cref="Interrupt"/> may come from any
/// thread;
/// everything else runs in <see cref="RunAsync"/>.
/// </summary>
internal sealed class ChatLoop(LlavaClient client, ChatRequest model, TextReader input, Screen screen)
{
    private const string Help =
        """
        Type a message and press return. Image paths at its start, or '/image PATH' before it, attach pictures.
        /image PATH   attach a picture to the next message
        /new          start a new conversation
        /system TEXT  start a new conversation with these instructions
        /info         tell of this conversation
        /quit         leave
        Ctrl-C ends an answer that is being written.
        """;

    private readonly Lock _gate = new();
    private readonly List<ImageInfo> _attached = [];
    private string _session = model.SessionId;
    private string _system = model.System;
    private CancellationTokenSource? _turn;

    /// <summary>Ctrl-C: ends the running turn; without one it only tells how to leave.</summary>
    public void Interrupt()
    {
        lock (_gate)
        {
            if (_turn is not null)
            {
                _turn.Cancel();
                return;
            }
        }

        screen.Note("(/quit leaves)");
    }

    /// <summary>Runs until <c>/quit</c> or the end of the input.</summary>
    public async Task RunAsync()
    {
        screen.Note("/help tells what can be typed here.");
        while (true)
        {
            screen.Prompt();
            var line = await input.ReadLineAsync();
            if (line is null)
            {
                return;
            }

            switch (ChatLine.Parse(line, File.Exists))
            {
                case ChatLine.Command { Name: "quit" or "exit" or "q" }:
                    return;
                case ChatLine.Command command:
                    await GuardedAsync(cancel => ObeyAsync(command, cancel));
                    break;
                case ChatLine.Message message:
                    await GuardedAsync(cancel => SendAsync(message, cancel));
                    break;
            }
        }
    }

    private async Task ObeyAsync(ChatLine.Command command, CancellationToken cancel)
    {
        switch (command.Name)
        {
            case "image" when command.Rest.Length > 0:
                await AttachAsync(ChatLine.Unquoted(command.Rest), cancel);
                break;
            case "image":
                screen.Error("/image needs the path of a file.");
                break;
            case "new":
                StartAnew(_system);
                break;
            case "system":
                StartAnew(command.Rest);
                break;
            case "info":
                await TellAsync(cancel);
                break;
            case "help":
                screen.Note(Help);
                break;
            default:
                screen.Error($"There is no command '/{command.Name}'. /help lists them.");
                break;
        }
    }

    private async Task SendAsync(ChatLine.Message message, CancellationToken cancel)
    {
        foreach (var path in message.Images)
        {
            await AttachAsync(path, cancel);
        }

        if (message.Text.Length == 0)
        {
            return; // pictures alone: the question comes with the next line
        }

        var request = model.Clone();
        request.SessionId = _session;
        request.System = _session.Length == 0 ? _system : "";
        request.Parts.AddRange(_attached.Select(image => new Part { ImageSha256 = image.Sha256 }));
        request.Parts.Add(new Part { Text = message.Text });
        var finished = await AnswerPrinter.PrintAsync(client.ChatAsync(request, cancel), screen.Output, started =>
        {
            _session = started.SessionId;
            _attached.Clear();
        });
        if (finished.Reason is FinishReason.Length or FinishReason.Failed)
        {
            screen.Note(finished.Reason == FinishReason.Length
                ? "(cut: token limit)"
                : "(the engine failed; the server's log has the reason)");
        }
    }

    private async Task AttachAsync(string path, CancellationToken cancel)
    {
        var image = await ImageFiles.PutAsync(client, path, cancel);
        _attached.Add(image);
        screen.Note($"[{image.Format} {image.Width}×{image.Height}, {image.ImageTokens} tokens]");
    }

    private async Task TellAsync(CancellationToken cancel)
    {
        foreach (var served in await client.ListModelsAsync(cancel))
        {
            screen.Note($"model {served.Name}, {served.Dtype}, context {served.ContextTokens} tokens");
        }

        if (_session.Length == 0)
        {
            screen.Note("a new conversation");
            return;
        }

        var session = await client.GetSessionAsync(_session, cancel);
        screen.Note($"session {session.SessionId}, {session.Turns.Count} turns, {session.Tokens} tokens");
    }

    private void StartAnew(string system)
    {
        (_session, _system) = ("", system);
        _attached.Clear();
        screen.Note("A new conversation begins.");
    }

    /// <summary>Does one thing that Ctrl-C may end; its failure is told and the chat goes on.</summary>
    private async Task GuardedAsync(Func<CancellationToken, Task> work)
    {
        using var turn = new CancellationTokenSource();
        lock (_gate)
        {
            _turn = turn;
        }

        try
        {
            await work(turn.Token);
        }
        catch (Exception) when (turn.IsCancellationRequested)
        {
            screen.Note("(cancelled)");
        }
        catch (Exception error) when (CommandLine.Sentence(error) is { } sentence)
        {
            screen.Error(sentence);
        }
        finally
        {
            lock (_gate)
            {
                _turn = null;
            }
        }
    }
}
