using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Training.Checkpoint;

namespace LlavaCluster.Training.Recipe.Run;

/// <summary>
/// The folder of a run:
/// <code>
/// plan.json            seed, sizes, phases
/// files/               configuration and tokenizer, as the checkpoint has them
/// state.safetensors    originals, moments and place: what a resume needs
/// log.jsonl            loss and held-out accuracy over time
/// curves.png           the same as a picture
/// checkpoint/          the model in published form
/// </code>
/// </summary>
internal sealed class RunFolder
{
    private RunFolder(string path, RecipePlan plan) => (Path, Plan) = (path, plan);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>What the run does.</summary>
    public RecipePlan Plan { get; }

    /// <summary>Configuration and tokenizer.</summary>
    public string Files => System.IO.Path.Combine(Path, "files");

    /// <summary>The state.</summary>
    public string State => System.IO.Path.Combine(Path, "state.safetensors");

    /// <summary>The log.</summary>
    public string Log => System.IO.Path.Combine(Path, "log.jsonl");

    /// <summary>The curves.</summary>
    public string Curves => System.IO.Path.Combine(Path, "curves.png");

    /// <summary>The model.</summary>
    public string Checkpoint => System.IO.Path.Combine(Path, "checkpoint");

    /// <summary>Opens the run that stands in a folder, or begins one there.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="plan">The plan of a new run.</param>
    /// <param name="seed">The seed of a new run; of one that stands there it must be the one it has. Null: whichever.</param>
    /// <param name="vocabulary">Makes the tokenizer of a new run, for a size and a seed.</param>
    /// <exception cref="TrainException">The folder cannot be written, or holds something else, or a run of another seed.</exception>
    public static RunFolder Open(string path, RecipePlan plan, ulong? seed, Func<int, ulong, BpeVocabulary> vocabulary)
    {
        try
        {
            return OpenOrBegin(path, plan, seed, vocabulary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TrainException($"{path} cannot be written ({e.Message}). Name another folder with --out.", e);
        }
    }

    /// <summary>Keeps other processes from training the same run until it is disposed.</summary>
    /// <exception cref="TrainException">Another process does already.</exception>
    public IDisposable Hold()
    {
        try
        {
            return new FileStream(
                System.IO.Path.Combine(Path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException e)
        {
            throw new TrainException($"The run in {Path} is being trained by another process. Stop that one, or name another folder.", e);
        }
    }

    /// <summary>The model's numbers, as serving reads them.</summary>
    public LlavaConfig ReadConfig() => LlavaConfigReader.Read(Files);

    /// <summary>Writes the model in published form; what was there before is replaced when the new one is whole.</summary>
    public void WriteCheckpoint(IReadOnlyDictionary<string, TorchSharp.torch.Tensor> weights)
    {
        var fresh = Checkpoint + ".new";
        if (Directory.Exists(fresh))
        {
            Directory.Delete(fresh, recursive: true);
        }

        CheckpointWriter.Write(fresh, Files, weights);
        if (Directory.Exists(Checkpoint))
        {
            Directory.Delete(Checkpoint, recursive: true);
        }

        Directory.Move(fresh, Checkpoint);
    }

    private static RunFolder OpenOrBegin(string path, RecipePlan plan, ulong? seed, Func<int, ulong, BpeVocabulary> vocabulary)
    {
        var planFile = System.IO.Path.Combine(path, "plan.json");
        if (!File.Exists(planFile))
        {
            if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
            {
                throw new TrainException($"{path} is not empty and holds no run (no plan.json). Name a new folder, or that of a run.");
            }

            Directory.CreateDirectory(path);
            plan = plan with { Seed = seed ?? plan.Seed };
            plan.Write(planFile);
        }
        else
        {
            plan = RecipePlan.Read(planFile);
            if (seed is { } asked && asked != plan.Seed)
            {
                throw new TrainException(
                    $"The run in {path} has seed {plan.Seed}, not {asked}. Leave --seed out to go on with it, or name a new folder.");
            }
        }

        var folder = new RunFolder(path, plan);
        if (!Directory.Exists(folder.Files))
        {
            var partial = folder.Files + ".partial";
            Directory.CreateDirectory(partial);
            CheckpointWriter.WriteFiles(partial, plan.Shape, vocabulary(plan.Shape.Vocabulary, plan.Seed));
            Directory.Move(partial, folder.Files);
        }

        return folder;
    }
}
