using System.CommandLine;
using LlavaCluster.Client.Load;

namespace LlavaCluster.Client.Commands;

/// <summary><c>llava bench</c>: puts a load on a running cluster and tells how it was answered.</summary>
internal static class BenchCommand
{
    private static readonly Argument<string[]> Images = new("IMAGE...")
    {
        Description = "Pictures that are asked about; none: pictures of noise are made.",
        Arity = ArgumentArity.ZeroOrMore,
    };
    private static readonly Option<int> Sessions = Number("--sessions", 32, "Sessions in all.");
    private static readonly Option<int> Concurrency = Number("--concurrency", 4, "Sessions that talk at once.");
    private static readonly Option<double?> Rate = new("--rate")
    {
        Description = "Sessions that begin per second, at random moments, however many talk already; instead of --concurrency.",
    };
    private static readonly Option<int> Turns = Number("--turns", 3, "Turns of a session.");
    private static readonly Option<double> Think = Real("--think", 0, "Mean seconds between an answer and the next turn.");
    private static readonly Option<bool> Warm = new("--warm") { Description = "Call WarmSession when half of that time is over." };
    private static readonly Option<double> ImageShare = Real("--image-share", 0.5, "Share of the sessions that begin with a picture.");
    private static readonly Option<int> Pictures = Number("--pictures", 8, "Pictures of noise to choose from.");
    private static readonly Option<string> Size = new("--picture-size")
    {
        Description = "Their size, pixels.",
        DefaultValueFactory = _ => "640x480",
    };
    private static readonly Option<int> Words = Number("--words", 12, "Words of a question.");
    private static readonly Option<int> MaxTokens = Number("--max-tokens", 32, "Most tokens of an answer.");
    private static readonly Option<int> Seed = Number("--seed", 1, "Same seed: same questions, pictures and moments.");
    private static readonly Option<double> FirstTokenGoal = Real("--ttft-goal", 2, "A turn is good when its first token comes in so many seconds,");
    private static readonly Option<double> PerTokenGoal = Real("--tpot-goal", 0.1, "and the others take no more than this each, on average.");
    private static readonly Option<bool> AsJson = new("--json") { Description = "Print the result as JSON." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var server = new ServerOption();
        var command = new Command("bench", "Puts a load on a running cluster and tells how it was answered; Ctrl-C tells what there is.")
        {
            Images, server.Option, Sessions, Concurrency, Rate, Turns, Think, Warm, ImageShare, Pictures, Size, Words, MaxTokens, Seed,
            FirstTokenGoal, PerTokenGoal, AsJson,
        };
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            var plan = PlanOf(parsed);
            using var client = server.Connect(parsed);
            var pictures = plan.ImageShare > 0 ? await UploadAsync(client, plan, parsed, cancel) : [];
            return await RunAsync(client, plan, pictures, parsed.GetValue(AsJson), cancel);
        }));
        return command;
    }

    private static async Task<int> RunAsync(
        LlavaClient client, LoadPlan plan, IReadOnlyList<string> pictures, bool asJson, CancellationToken cancel)
    {
        var load = new LoadRun(client, plan, pictures, TimeProvider.System);
        var running = load.RunAsync(cancel);
        await LoadProgress.ShowAsync(running, load.Tally, plan.Sessions * plan.Turns, TimeProvider.System);
        // What ended before the interruption is told; a failure of our own is not hidden by it.
        await running.ConfigureAwait(cancel.IsCancellationRequested ? ConfigureAwaitOptions.SuppressThrowing : ConfigureAwaitOptions.None);
        var turns = load.Tally.Ended;
        var report = new LoadReport(plan, turns, load.Tally.Elapsed);
        if (asJson)
        {
            Console.WriteLine(report.Json());
        }
        else
        {
            report.Print(Console.Out);
        }

        return cancel.IsCancellationRequested ? CommandLine.Interrupted
            : turns.All(turn => turn.Error is not null) ? CommandLine.Failed : CommandLine.Done;
    }

    private static async Task<IReadOnlyList<string>> UploadAsync(
        LlavaClient client, LoadPlan plan, ParseResult parsed, CancellationToken cancel)
    {
        var hashes = new List<string>();
        if (parsed.GetValue(Images) is { Length: > 0 } files)
        {
            foreach (var path in files)
            {
                hashes.Add((await ImageFiles.PutAsync(client, path, cancel)).Sha256);
            }

            return hashes;
        }

        var size = parsed.GetRequiredValue(Size).Split('x');
        if (size.Length != 2 || !int.TryParse(size[0], out var width) || !int.TryParse(size[1], out var height)
            || width is < 1 or > 8192 || height is < 1 or > 8192)
        {
            throw new UserErrorException($"--picture-size '{parsed.GetValue(Size)}' is no size; it looks like 640x480, sides of 1 to 8192.");
        }

        for (var number = 0; number < parsed.GetValue(Pictures); number++)
        {
            using var file = new MemoryStream(NoisePicture.Of(width, height, plan.SeedOf(number)));
            hashes.Add((await client.PutImageAsync(file, cancel)).Sha256);
        }

        return hashes;
    }

    private static LoadPlan PlanOf(ParseResult parsed)
    {
        if (parsed.GetValue(Rate) is <= 0)
        {
            throw new UserErrorException($"--rate {parsed.GetValue(Rate)} is no rate; it must be above 0.");
        }

        return new LoadPlan
        {
            Sessions = parsed.GetValue(Sessions),
            Concurrency = parsed.GetValue(Concurrency),
            Rate = parsed.GetValue(Rate),
            Turns = parsed.GetValue(Turns),
            Think = TimeSpan.FromSeconds(parsed.GetValue(Think)),
            Warm = parsed.GetValue(Warm),
            ImageShare = parsed.GetValue(ImageShare),
            Words = parsed.GetValue(Words),
            MaxTokens = parsed.GetValue(MaxTokens),
            Seed = parsed.GetValue(Seed),
            FirstTokenGoal = TimeSpan.FromSeconds(parsed.GetValue(FirstTokenGoal)),
            PerTokenGoal = TimeSpan.FromSeconds(parsed.GetValue(PerTokenGoal)),
        };
    }

    /// <summary>A number of things, at least 1.</summary>
    private static Option<int> Number(string name, int usual, string description)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => usual };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var value) && value < 1)
            {
                result.AddError($"{name} is {value}; it must be at least 1.");
            }
        });
        return option;
    }

    /// <summary>An amount, not below 0.</summary>
    private static Option<double> Real(string name, double usual, string description)
    {
        var option = new Option<double>(name) { Description = description, DefaultValueFactory = _ => usual };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && result.GetValueOrDefault<double>() < 0)
            {
                result.AddError($"{name} must not be below 0.");
            }
        });
        return option;
    }
}
