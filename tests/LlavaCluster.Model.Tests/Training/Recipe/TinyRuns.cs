using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Training.Checkpoint;
using LlavaCluster.Training.Questions;
using LlavaCluster.Training.Recipe;
using LlavaCluster.Training.Recipe.Network;
using LlavaCluster.Training.Recipe.Run;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Training.Recipe;

/// <summary>Runs of a model so small that a step takes milliseconds, in folders that are gone afterwards.</summary>
internal sealed class TinyRuns : IDisposable
{
    private static readonly Lazy<BpeVocabulary> Tokenizer = new(() => BpeTrainer.Train(QuestionCorpus.Lines(1, 2000), 640));

    private readonly string _root = Directory.CreateTempSubdirectory("tiny-run-").FullName;

    public static TinyShape Shape { get; } = new()
    {
        TileSide = 56,
        TowerHidden = 32,
        TowerHeads = 2,
        TowerLayers = 2,
        TowerMlp = 64,
        Hidden = 32,
        Heads = 2,
        Layers = 2,
        Mlp = 48,
    };

    public static PhasePlan Tower { get; } = new() { Name = "tower", Kind = PhaseKind.Tower, Steps = 6, Batch = 4, Rate = 2e-3 };

    public static PhasePlan Connector { get; } =
        new() { Name = "connector", Kind = PhaseKind.Connector, Steps = 6, Batch = 512, Rate = 2e-3, GridShare = 0.5 };

    public static PhasePlan Dialogues { get; } =
        new() { Name = "dialogues", Kind = PhaseKind.Dialogues, Steps = 6, Batch = 768, Rate = 2e-3, GridShare = 0.5, TowerRate = 0.2 };

    /// <summary>What new runs compute in.</summary>
    public string Dtype { get; set; } = "bfloat16";

    /// <summary>The folder of a run.</summary>
    public string Path(string name) => System.IO.Path.Combine(_root, name);

    /// <summary>Opens a run, or goes on with the one of this name.</summary>
    public TrainingRun Open(string name, int mostSteps, params PhasePlan[] phases)
    {
        var plan = new RecipePlan { Dtype = Dtype, Shape = Shape, Phases = phases };
        var folder = RunFolder.Open(Path(name), plan, seed: null, (_, _) => Tokenizer.Value);
        return new TrainingRun(folder, TimeProvider.System) { MostSteps = mostSteps };
    }

    /// <summary>Configuration and tokenizer of the tiny model.</summary>
    public string Files(string name)
    {
        var files = System.IO.Path.Combine(Path(name), "files");
        Directory.CreateDirectory(files);
        CheckpointWriter.WriteFiles(files, Shape, Tokenizer.Value);
        return files;
    }

    /// <summary>A network in float32, so that what should be equal is.</summary>
    public TinyNetwork Exact(string name)
    {
        var config = LlavaConfigReader.Read(Files(name));
        return new TinyNetwork(config, new InitialWeights(config, 1), new PatchCells(3, 2), new TensorDevice(CPU, ScalarType.Float32));
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>Progress that nobody looks at.</summary>
    internal sealed class NoProgress : IProgress<TrainProgress>
    {
        public void Report(TrainProgress value)
        {
        }
    }
}
