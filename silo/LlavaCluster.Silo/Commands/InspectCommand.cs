using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Silo.Hosting;
using LlavaCluster.Silo.Inspection;

namespace LlavaCluster.Silo.Commands;

/// <summary>
/// <c>llava-silo inspect</c>: what our code makes of given conversations or texts, as JSON, to be compared with a
/// reference.
/// </summary>
internal static class InspectCommand
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var cases = new Option<string>("--cases") { Description = "File of cases: conversations with pictures." };
        var pictures = new Option<string>("--pictures") { Description = "Folder of the cases' pictures." };
        var texts = new Option<string>("--texts") { Description = "File of texts for the tokenizer alone." };
        var maxNewTokens = new Option<int>("--max-new-tokens")
        {
            Description = "Longest answer.",
            DefaultValueFactory = _ => 40,
        };
        var flags = ConfigurationFlags.OfModel();
        var command = new Command("inspect", "Prints what every stage makes of given conversations, as JSON.")
        {
            cases,
            pictures,
            texts,
            maxNewTokens,
        };
        flags.AddTo(command);
        command.Validators.Add(line =>
        {
            if (line.GetValue(cases) is null == line.GetValue(texts) is null)
            {
                line.AddError("inspect needs either --cases FILE with --pictures DIR, or --texts FILE.");
            }
        });
        maxNewTokens.Validators.Add(option =>
        {
            if (option.GetValueOrDefault<int>() < 1)
            {
                option.AddError($"--max-new-tokens is {option.GetValueOrDefault<int>()}; it must be 1 or more.");
            }
        });
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            var settings = flags.Read(parsed, ("Llava:Dtype", "float32"));
            var model = ServedModel.Open(settings.Model);
            if (parsed.GetValue(texts) is { } textFile)
            {
                Print(TokenizerRows.Of(model.Tokenizer, textFile));
                return CommandLine.Done;
            }

            var given = InspectedCase.ReadAll(parsed.GetValue(cases)!);
            var folder = parsed.GetValue(pictures) ?? ".";
            return await InspectAsync(settings, model, given, folder, parsed.GetValue(maxNewTokens), cancel);
        }));
        return command;
    }

    private static async Task<int> InspectAsync(
        NodeSettings settings,
        ServedModel model,
        IReadOnlyList<InspectedCase> given,
        string pictures,
        int maxNewTokens,
        CancellationToken cancel)
    {
        LocalFeatures? features = null;
        await using var engines = new EngineSet(
            new ModelParts(model, settings.Model, SiloRoles.All),
            model,
            settings,
            SiloRoles.All,
            set => features = new LocalFeatures(set.Encoder!),
            TimeProvider.System);
        await ProgressDisplay.RunAsync(
            "Loading the weights", progress => engines.StartAsync(progress, cancel), TimeProvider.System);
        var inspector = new CaseInspector(model, settings.Images, engines, features!);
        var results = new JsonArray();
        var failures = 0;
        foreach (var one in given)
        {
            Console.Error.WriteLine($"case {results.Count + 1} of {given.Count}: {one.Name}");
            try
            {
                results.Add(await inspector.InspectAsync(one, pictures, maxNewTokens, cancel));
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                // The other cases still tell something.
                failures++;
                Console.Error.WriteLine($"case {one.Name}: {error.Message}");
                results.Add(new JsonObject { ["name"] = one.Name, ["error"] = error.Message });
            }
        }

        Print(new JsonObject { ["checkpoint"] = model.Name, ["dtype"] = settings.Model.Dtype, ["cases"] = results });
        return failures == 0 ? CommandLine.Done : CommandLine.Failed;
    }

    private static void Print(JsonObject result) => Console.WriteLine(result.ToJsonString(Readable));
}
