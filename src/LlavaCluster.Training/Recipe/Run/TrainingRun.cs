using LlavaCluster.Model;
using LlavaCluster.Training.Checkpoint;
using LlavaCluster.Training.Recipe.Network;
using LlavaCluster.Training.Recipe.Optimizing;
using LlavaCluster.Training.Recipe.Progress;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Run;

/// <summary>
/// A run from where it stands: for each phase, step after step (1) lessons leave a gradient, (2) it goes to the float32 originals,
/// (3) AdamW changes them, (4) the network gets them back, rounded. State, log and checkpoint are written as it goes. One thread, from
/// construction to disposal, since tensors' scopes belong to threads.
/// </summary>
internal sealed class TrainingRun : IDisposable
{
    private const double Smoothing = 0.98;

    private readonly RunFolder _folder;
    private readonly Classroom _classroom;
    private readonly TimeProvider _time;
    private readonly AdamW _adam;
    private readonly TrainingLog _log;

    /// <summary>Opens the run of a folder, at its state when it has one.</summary>
    public TrainingRun(RunFolder folder, TimeProvider time)
    {
        (_folder, _time) = (folder, time);
        var config = folder.ReadConfig();
        Network = new TinyNetwork(
            config,
            new LocalStart(new InitialWeights(config, folder.Plan.Seed), config.Vision),
            PatchCells.For(config.Vision.PatchSide),
            new TensorDevice(CPU, TensorDevice.ParseType(folder.Plan.Dtype)));
        Place = new TrainingPlace { Seed = folder.Plan.Seed };
        if (File.Exists(folder.State))
        {
            Place = TrainingState.Load(folder.State, Network.Masters);
            Network.Masters.Publish();
        }

        _adam = new AdamW(Network.Masters);
        _classroom = new Classroom(Network, folder);
        _log = TrainingLog.Open(folder.Log, IsKept);
    }

    /// <summary>How often held-out accuracy is measured and the checkpoint written.</summary>
    public TimeSpan ScoreEvery { get; init; } = TimeSpan.FromMinutes(4);

    /// <summary>How often the state is written.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How often the log gets a line.</summary>
    public TimeSpan LogEvery { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>Steps that a call makes at most; for tests.</summary>
    public int MostSteps { get; init; } = int.MaxValue;

    /// <summary>The network.</summary>
    public TinyNetwork Network { get; }

    /// <summary>Where it stands.</summary>
    public TrainingPlace Place { get; private set; }

    /// <summary>Trains the phases of a stage that are not done, until the end, the limit or the signal; then saves.</summary>
    /// <returns>Whether the stage is done.</returns>
    /// <exception cref="TrainException">An earlier stage is not done, or the loss is no number.</exception>
    public bool Train(TrainStage stage, TimeSpan? limit, IProgress<TrainProgress> progress, CancellationToken cancellation)
    {
        var began = _time.GetTimestamp();
        var steps = MostSteps;
        var phases = _folder.Plan.Phases;
        while (Place.Phase < phases.Count && IsOf(stage))
        {
            var phase = phases[Place.Phase];
            if (!TrainPhase(phase, Stops, ref steps, progress))
            {
                return false;
            }

            // The next phase starts with moments of its own.
            Network.Masters.ForgetMoments();
            Place = Place with { Phase = Place.Phase + 1, Step = 0 };
            Save();
        }

        return true;

        bool Stops() => cancellation.IsCancellationRequested || _time.GetElapsedTime(began) >= limit;
    }

    /// <inheritdoc/>
    public void Dispose() => Network.Dispose();

    /// <summary>Whether the next phase is to be trained for a stage; those that stand before it must be done.</summary>
    private bool IsOf(TrainStage stage)
    {
        var reached = _folder.Plan.StageOf(Place.Phase);
        if (stage == TrainStage.All || reached == stage)
        {
            return true;
        }

        var phase = _folder.Plan.Phases[Place.Phase];
        return reached > stage ? false : throw new TrainException(
            $"Stage {stage} builds on {reached}, which stands at step {Place.Step:N0} of {phase.Steps:N0} of phase '{phase.Name}'. "
            + "Train that first, or --stage all.");
    }

    private bool TrainPhase(PhasePlan phase, Func<bool> stops, ref int steps, IProgress<TrainProgress> progress)
    {
        using var quiet = new QuietSteps();
        using var lessons = _classroom.Lessons(phase, Place.Step);
        var parts = lessons.Parts.Keys.ToArray();
        var rate = new CosineRate(phase.Rate, phase.Steps);
        var pace = new Pace(_time);
        Network.Learn(parts);
        double? smooth = null;
        long saved = _time.GetTimestamp(), logged = saved, scored = saved;
        while (Place.Step < phase.Steps)
        {
            if (steps-- <= 0 || stops())
            {
                Save();
                _folder.WriteCheckpoint(Weights());
                progress.Report(Report(null) with { Note = $"stopped; state and checkpoint are in {_folder.Path}" });
                return false;
            }

            quiet.BeforeStep();
            var (loss, units) = lessons.Backward();
            if (!double.IsFinite(loss))
            {
                throw new TrainException($"Phase '{phase.Name}', step {Place.Step}: the loss is {loss}. Resume, or begin with another seed.");
            }

            Network.Masters.TakeGradients(parts);
            var now = rate.At(Place.Step);
            var norm = _adam.Update(lessons.Parts.ToDictionary(part => part.Key, part => part.Value * now), Place.Step + 1);
            Network.Masters.Publish(parts);
            smooth = smooth is { } before ? (Smoothing * before) + ((1 - Smoothing) * loss) : loss;
            Place = Place with { Step = Place.Step + 1 };
            AddSeconds(phase.Name, pace.Add(units));

            var ends = Place.Step == phase.Steps;
            var score = ends || IsDue(ref scored, ScoreEvery) ? lessons.Score() : null;
            if (score is not null || IsDue(ref logged, LogEvery))
            {
                _log.Add(new LogEntry
                {
                    Phase = phase.Name,
                    Step = Place.Step,
                    Seconds = Place.Seconds[phase.Name],
                    Loss = smooth.Value,
                    Rate = now,
                    Norm = norm,
                    PerSecond = pace.PerSecond,
                    Score = score,
                });
            }

            if (score is not null || IsDue(ref saved, SaveEvery))
            {
                Save();
            }

            if (score is not null)
            {
                CurveChart.Write(_folder.Curves, _log.Entries);
                _folder.WriteCheckpoint(Weights());
            }

            progress.Report(Report(score));
            if (score is not null)
            {
                pace.Skip();
            }
        }

        return true;

        TrainProgress Report(SortedDictionary<string, double>? score) => new(
            phase.Name,
            Place.Step,
            phase.Steps,
            smooth ?? double.NaN,
            pace.PerSecond,
            lessons.Unit,
            pace.Left(phase.Steps - Place.Step),
            score is null ? null : string.Join("  ", score.Select(s => FormattableString.Invariant($"{s.Key} {s.Value:F3}"))));
    }

    private Dictionary<string, Tensor> Weights() => Network.Tensors();

    private void Save() => TrainingState.Save(_folder.State, Place, Network.Masters);

    private void AddSeconds(string phase, double seconds) => Place.Seconds[phase] = Place.Seconds.GetValueOrDefault(phase) + seconds;

    private bool IsDue(ref long last, TimeSpan every)
    {
        if (_time.GetElapsedTime(last) < every)
        {
            return false;
        }

        last = _time.GetTimestamp();
        return true;
    }

    private bool IsKept(LogEntry entry)
    {
        var phase = _folder.Plan.Phases.Select(p => p.Name).ToList().IndexOf(entry.Phase);
        return phase >= 0 && (phase < Place.Phase || (phase == Place.Phase && entry.Step <= Place.Step));
    }
}
