using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Weights;
using LlavaCluster.Training.Checkpoint;
using LlavaCluster.Training.Recipe;
using LlavaCluster.Training.Recipe.Optimizing;
using LlavaCluster.Training.Recipe.Run;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Training.Recipe;

public sealed class TrainingRunTests : IDisposable
{
    private readonly TinyRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData("bfloat16")]
    [InlineData("float32")]
    public void Train_StoppedAndResumed_EqualsTheUnbrokenRunToTheBit(string dtype)
    {
        _runs.Dtype = dtype;
        PhasePlan[] phases = [TinyRuns.Tower with { Steps = 4 }, TinyRuns.Dialogues with { Steps = 4 }];
        using (var whole = _runs.Open("whole", int.MaxValue, phases))
        {
            Assert.True(Train(whole, TrainStage.All));
        }

        foreach (var steps in new[] { 3, 3, 3 })
        {
            using var piece = _runs.Open("pieces", steps, phases);
            Train(piece, TrainStage.All);
        }

        using var first = _runs.Open("whole", 0, phases);
        using var second = _runs.Open("pieces", 0, phases);
        Assert.Equal((2, 0), (first.Place.Phase, first.Place.Step));
        Assert.Equal((2, 0), (second.Place.Phase, second.Place.Step));
        Assert.Equal(first.Network.Masters.Values.bytes.ToArray(), second.Network.Masters.Values.bytes.ToArray());
    }

    [Fact]
    public void Train_InTheMiddleOfAPhase_KeepsMoments()
    {
        using (var run = _runs.Open("run", 2, TinyRuns.Tower))
        {
            Assert.False(Train(run, TrainStage.All));
        }

        using var resumed = _runs.Open("run", 0, TinyRuns.Tower);
        Assert.Equal(2, resumed.Place.Step);
        Assert.True(resumed.Network.Masters.Second.max().item<float>() > 0);
        Assert.True(resumed.Place.Seconds["tower"] > 0);
    }

    [Theory]
    [InlineData(PhaseKind.Tower, 8)]
    [InlineData(PhaseKind.Words, 768)]
    [InlineData(PhaseKind.Connector, 768)]
    [InlineData(PhaseKind.Dialogues, 768)]
    internal void Backward_SameLessonsAgainAndAgain_LossFalls(PhaseKind kind, int batch)
    {
        var phase = new PhasePlan { Name = "x", Kind = kind, Steps = 1, Batch = batch, Rate = 3e-3, TowerRate = 0.3 };
        using var run = _runs.Open("run", 0, phase);
        var folder = RunFolder.Open(_runs.Path("run"), RecipePlan.Standard, null, (_, _) => throw new InvalidOperationException());
        var losses = new List<double>();
        for (var step = 1; step <= 25; step++)
        {
            // Lessons of step 0 each time.
            using var lessons = new Classroom(run.Network, folder).Lessons(phase, 0);
            run.Network.Learn([.. lessons.Parts.Keys]);
            losses.Add(lessons.Backward().Loss);
            run.Network.Masters.TakeGradients([.. lessons.Parts.Keys]);
            new AdamW(run.Network.Masters).Update(lessons.Parts.ToDictionary(p => p.Key, _ => 3e-3), step);
            run.Network.Masters.Publish();
        }

        // A projector in front of a language model that has learned nothing cannot do much.
        var least = kind == PhaseKind.Connector ? 0.995 : 0.8;
        Assert.True(losses[^1] < least * losses[0], $"{kind}: from {losses[0]:F3} to {losses[^1]:F3}");
    }

    [Fact]
    public void Connector_LeavesTowerAndLanguageModelAsTheyAreToTheBit()
    {
        byte[] Bytes(TrainingRun run, WeightPart part) => [.. run.Network.Masters.Weights.Where(w => w.Part == part)
            .SelectMany(w => run.Network.Masters.Of(run.Network.Masters.Values, w).bytes.ToArray().Concat(w.Live.bytes.ToArray()))];
        using var run = _runs.Open("run", int.MaxValue, TinyRuns.Connector with { Steps = 2 });
        var before = Enum.GetValues<WeightPart>().ToDictionary(part => part, part => Bytes(run, part));

        Assert.True(Train(run, TrainStage.Connector));

        Assert.Equal(before[WeightPart.Tower], Bytes(run, WeightPart.Tower));
        Assert.Equal(before[WeightPart.Language], Bytes(run, WeightPart.Language));
        Assert.NotEqual(before[WeightPart.Projector], Bytes(run, WeightPart.Projector));
    }

    [Fact]
    public void Train_StageThatBuildsOnAnUndoneOne_IsRefused()
    {
        using var run = _runs.Open("run", int.MaxValue, TinyRuns.Tower, TinyRuns.Connector);
        var error = Assert.Throws<TrainException>(() => Train(run, TrainStage.Connector));
        Assert.Equal(
            "Stage Connector builds on Tower, which stands at step 0 of 6 of phase 'tower'. Train that first, or --stage all.", error.Message);
    }

    [Fact]
    public void Train_BackToTheTowerBetweenDialogues_IsOfTheLaterStage()
    {
        var once = TinyRuns.Dialogues with { Steps = 1 };
        using var run = _runs.Open("run", int.MaxValue, TinyRuns.Tower with { Steps = 1 }, once, TinyRuns.Tower with { Name = "again", Steps = 1 });
        Assert.True(Train(run, TrainStage.Tower));
        Assert.Equal(1, run.Place.Phase);
        Assert.True(Train(run, TrainStage.Instruct));
        Assert.Equal(3, run.Place.Phase);
    }

    [Fact]
    public void Train_Done_WritesACheckpointThatServingReads()
    {
        using (var run = _runs.Open("run", int.MaxValue, TinyRuns.Dialogues with { Steps = 1 }))
        {
            Assert.True(Train(run, TrainStage.All));
        }

        var folder = _runs.Path("run");
        var config = LlavaConfigReader.Read(Path.Combine(folder, "checkpoint"));
        using var weights = new CheckpointWeights(Path.Combine(folder, "checkpoint"), config, CPU, ScalarType.Float32);
        weights.Check(WeightRoles.Vision | WeightRoles.Projector | WeightRoles.Language);
        Assert.True(File.Exists(Path.Combine(folder, "log.jsonl")));
    }

    [Fact]
    public void Tensors_OfAFreshNetwork_AreTheSourcesUnderTheirNames()
    {
        using var scope = NewDisposeScope();
        var config = LlavaConfigReader.Read(_runs.Files("run"));
        using var network = _runs.Exact("run");
        var tensors = network.Tensors();
        var source = new InitialWeights(config, 1);
        foreach (var entry in TensorCatalog.Of(config).Where(e => e.Used))
        {
            Assert.True(tensors[entry.Name].Equals(source.Read(entry.Name, entry.Shape)), entry.Name);
        }

        Assert.Equal(TensorCatalog.Of(config).Count(e => e.Used), tensors.Count);
    }

    [Fact]
    public void Open_FolderOfSomethingElse_IsRefused()
    {
        Directory.CreateDirectory(_runs.Path("other"));
        File.WriteAllText(Path.Combine(_runs.Path("other"), "notes.txt"), "mine");
        var error = Assert.Throws<TrainException>(() => _runs.Open("other", 0, TinyRuns.Tower));
        Assert.EndsWith("is not empty and holds no run (no plan.json). Name a new folder, or that of a run.", error.Message);
    }

    [Fact]
    public void Open_RunOfAnotherSeed_IsRefused()
    {
        _runs.Open("run", 0, TinyRuns.Tower).Dispose();
        var error = Assert.Throws<TrainException>(
            () => RunFolder.Open(_runs.Path("run"), RecipePlan.Standard, 7, (_, _) => throw new InvalidOperationException()));
        Assert.Equal(
            $"The run in {_runs.Path("run")} has seed 1, not 7. Leave --seed out to go on with it, or name a new folder.", error.Message);
    }

    [Fact]
    public void Hold_WhileAnotherHolds_IsRefused()
    {
        _runs.Open("run", 0, TinyRuns.Tower).Dispose();
        RunFolder Folder() => RunFolder.Open(_runs.Path("run"), RecipePlan.Standard, null, (_, _) => throw new InvalidOperationException());
        using (Folder().Hold())
        {
            var error = Assert.Throws<TrainException>(() => Folder().Hold());
            Assert.Equal(
                $"The run in {_runs.Path("run")} is being trained by another process. Stop that one, or name another folder.", error.Message);
        }

        Folder().Hold().Dispose();
    }

    [Fact]
    public void Load_CutState_IsTold()
    {
        using (var run = _runs.Open("run", 1, TinyRuns.Tower))
        {
            Train(run, TrainStage.All);
        }

        var state = Path.Combine(_runs.Path("run"), "state.safetensors");
        File.WriteAllBytes(state, File.ReadAllBytes(state)[..4000]);
        var error = Assert.Throws<TrainException>(() => _runs.Open("run", 0, TinyRuns.Tower));
        Assert.StartsWith($"{state} is damaged", error.Message);
    }

    private static bool Train(TrainingRun run, TrainStage stage) => run.Train(stage, null, new TinyRuns.NoProgress(), CancellationToken.None);
}
