using System.Globalization;
using System.Runtime.InteropServices;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>Plays scenes and prints their table: <c>[--list] [--short] [--light] [--slack FACTOR] [--logs FOLDER] [NAME…]</c>; see <c>tests/scenarios.sh</c>.</summary>
internal static class Program
{
    private static readonly TimeProvider Time = TimeProvider.System;

    private static async Task<int> Main(string[] args)
    {
        var (isShort, isLight) = (args.Contains("--short"), args.Contains("--light"));
        var slack = ValueOf(args, "--slack") is { } factor ? double.Parse(factor, CultureInfo.InvariantCulture) : 1;
        var logs = ValueOf(args, "--logs");
        var names = args.Where((arg, i) => !arg.StartsWith("--", StringComparison.Ordinal) && (i == 0 || args[i - 1] is not ("--slack" or "--logs"))).ToArray();
        if (args.Contains("--list"))
        {
            List(Console.Out);
            return 0;
        }

        if (args.FirstOrDefault(arg => arg.StartsWith("--", StringComparison.Ordinal) && arg is not ("--short" or "--light" or "--slack" or "--logs")) is { } flag)
        {
            Console.Error.WriteLine($"There is no flag '{flag}'; --list, --short, --light, --slack FACTOR and --logs FOLDER are known.");
            return 2;
        }

        if (names.FirstOrDefault(name => !Scenes.All.Any(scene => IsCalled(scene, name))) is { } unknown)
        {
            Console.Error.WriteLine($"There is no scene '{unknown}'. There are:");
            List(Console.Error);
            return 2;
        }

        var played = Scenes.All.Where(scene => (names.Length == 0 || names.Any(name => IsCalled(scene, name))) && (!isShort || scene.Short is not null))
            .Select(scene => (Scene: scene, Talks: isShort ? scene.Short! : isLight ? scene.Talks.Light : scene.Talks)).ToArray();
        using var interrupted = new CancellationTokenSource();
        void Interrupt(PosixSignalContext signal)
        {
            // The processes of the scene must not outlive it.
            signal.Cancel = true;
            interrupted.Cancel();
        }

        using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        return await PlayAsync(played, slack, logs, interrupted.Token) ? 0 : 1;
    }

    private static string? ValueOf(string[] args, string flag) => Array.IndexOf(args, flag) is >= 0 and var at ? args[at + 1] : null;

    /// <summary>By its name, or by the beginning of it before a star.</summary>
    private static bool IsCalled(Scene scene, string name) =>
        name.EndsWith('*') ? scene.Name.StartsWith(name[..^1], StringComparison.Ordinal) : scene.Name == name;

    private static void List(TextWriter to)
    {
        foreach (var scene in Scenes.All)
        {
            to.WriteLine($"  {scene.Name,-28} {scene.What}{(scene.Short is null ? "" : "; in --short")}");
        }
    }

    private static async Task<bool> PlayAsync((Scene Scene, Talks Talks)[] played, double slack, string? logs, CancellationToken cancellationToken)
    {
        var expected = new Dictionary<(int Tokens, int Ranks), Expected>();
        foreach (var some in played.GroupBy(one => (one.Talks.Tokens, one.Scene.Ranks), one => one.Talks))
        {
            var most = new Talks(some.Max(talks => talks.Sessions), some.Max(talks => talks.Turns), some.Key.Tokens);
            var undisturbed = await Expected.RunAsync(most, some.Key.Ranks, Time, cancellationToken);
            expected.Add(some.Key, undisturbed);
            Console.WriteLine($"Undisturbed, {most.Sessions} sessions of {most.Turns} turns, {some.Key.Ranks} rank(s): at most {undisturbed.First.TotalSeconds:F2} s to a first token.");
        }

        var failed = 0;
        Console.WriteLine($"\n{SceneResult.Heading}");
        Console.WriteLine(SceneResult.Rule);
        foreach (var (scene, talks) in played.TakeWhile(_ => !cancellationToken.IsCancellationRequested))
        {
            var result = await SceneRun.PlayAsync(scene, talks, expected[(talks.Tokens, scene.Ranks)], slack, Time, cancellationToken);
            Console.WriteLine(result.Line);
            foreach (var line in result.Said)
            {
                Console.WriteLine($"    {line}");
            }

            failed += result.Failure is null ? 0 : 1;
            if (logs is not null)
            {
                await File.WriteAllLinesAsync(Path.Combine(Directory.CreateDirectory(logs).FullName, $"{result.Name}.log"), result.Logs, cancellationToken);
            }
            else if (result.Failure is not null)
            {
                Console.Error.WriteLine($"\n=== {result.Name}: {result.Failure}\n{string.Join('\n', result.Logs)}");
            }
        }

        return failed == 0 && !cancellationToken.IsCancellationRequested;
    }
}
