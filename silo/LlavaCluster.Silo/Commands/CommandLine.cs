using System.CommandLine;
using System.Runtime.InteropServices;
using Grpc.Core;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Training.Recipe;

namespace LlavaCluster.Silo.Commands;

/// <summary>The program <c>llava-silo</c>: its commands, and how their failures become exit codes.</summary>
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

    /// <summary>Runs one command line; without a command it is <c>serve</c>.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Serves LLaVA models: one process of a LlavaCluster.")
        {
            ServeCommand.Create(),
            AskCommand.Create(),
            InspectCommand.Create(),
            SynthCommand.Create(),
            EvalCommand.Create(),
            TrainCommand.Create(),
        };
        root.Options.Add(Verbose);
        var parsed = root.Parse(WithCommand(root, args));
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                Console.Error.WriteLine(error.Message);
            }

            Console.Error.WriteLine($"'llava-silo {parsed.CommandResult.Command.Name} --help' lists what there is.");
            return WrongUsage;
        }

        try
        {
            // The host and ask listen for SIGINT and SIGTERM themselves, since ending takes them longer than a
            // default allows.
            return await parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
        catch (Exception error) when (!parsed.GetValue(Verbose))
        {
            Console.Error.WriteLine(Sentence(error));
            return Failed;
        }
        catch (Exception error)
        {
            Console.Error.WriteLine(error);
            return Failed;
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

    /// <summary>
    /// What a failure is to the operator. Where we foresaw it, that is its message; else its kind is told too.
    /// </summary>
    private static string Sentence(Exception error) => error switch
    {
        RpcException rpc => rpc.Status.Detail,
        UserErrorException or JoinRefusedException or BadCheckpointException or BadImageException or TrainException or IOException or UnauthorizedAccessException => error.Message,
        _ => $"{error.GetType().Name}: {error.Message} (--verbose shows where)",
    };

    private static string[] WithCommand(RootCommand root, string[] args)
    {
        var namesCommand = args.Any(root.Subcommands.Select(command => command.Name).Contains);
        var asksForHelp = args is ["--help" or "-h" or "-?" or "--version", ..];
        var isServe = args.Length == 0 || (args[0].StartsWith('-') && !namesCommand && !asksForHelp);
        return isServe ? ["serve", .. args] : args;
    }
}
