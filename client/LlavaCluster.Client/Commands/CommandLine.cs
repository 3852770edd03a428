using System.CommandLine;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Grpc.Core;

namespace LlavaCluster.Client.Commands;

/// <summary>The program <c>llava</c>: its commands, and how their failures become exit codes.</summary>
internal static class CommandLine
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>The work failed; the reason is on standard error.</summary>
    public const int Failed = 1;

    /// <summary>Wrong usage.</summary>
    public const int WrongUsage = 2;

    /// <summary>Ended by Ctrl-C, as shells count it.</summary>
    public const int Interrupted = 130;

    private static readonly Option<bool> Verbose = new("--verbose")
    {
        Description = "Show stack traces of failures.",
        Recursive = true,
    };

    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Talks with a LlavaCluster about pictures.")
        {
            AskCommand.Create(),
            ChatCommand.Create(),
            SessionsCommand.Create(),
            ImagesCommand.Create(),
            BenchCommand.Create(),
            StatusCommand.Create(),
            DrainCommand.Create(),
        };
        root.Options.Add(Verbose);
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                Console.Error.WriteLine(error.Message);
            }

            Console.Error.WriteLine($"'llava {string.Join(' ', Path(parsed))}--help' lists what there is.");
            return WrongUsage;
        }

        try
        {
            // Ctrl-C is each command's own matter: chat survives it.
            return await parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception error) when (Sentence(error) is { } sentence)
        {
            Console.Error.WriteLine(parsed.GetValue(Verbose) ? error.ToString() : sentence);
            return Failed;
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
    }

    /// <summary>Runs work that Ctrl-C or SIGTERM ends.</summary>
    public static async Task<int> UntilInterruptedAsync(Func<CancellationToken, Task<int>> work)
    {
        using var interrupted = new CancellationTokenSource();
        void Interrupt(PosixSignalContext signal)
        {
            signal.Cancel = true;
            interrupted.Cancel();
        }

        using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        try
        {
            return await work(interrupted.Token);
        }
        catch (RpcException error) when (interrupted.IsCancellationRequested && error.StatusCode == StatusCode.Cancelled)
        {
            return Interrupted;
        }
    }

    /// <summary>What a failure is to the person at the terminal; null when it is a fault of the program.</summary>
    public static string? Sentence(Exception error) => error switch
    {
        RpcException { StatusCode: StatusCode.Unavailable, Status.DebugException: HttpRequestException or SocketException } =>
            "No server answers there. Start one with 'llava-silo serve', or name another with --server.",
        RpcException rpc => rpc.Status.Detail,
        UserErrorException or IOException or UnauthorizedAccessException => error.Message,
        _ => null,
    };

    private static IEnumerable<string> Path(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (var at = parsed.CommandResult; at.Parent is System.CommandLine.Parsing.CommandResult parent; at = parent)
        {
            names.Push(at.Command.Name + " ");
        }

        return names;
    }
}
