using LlavaCluster.Model;
using LlavaCluster.Training.Checkpoint;
using LlavaCluster.Training.Questions;
using LlavaCluster.Training.Recipe.Run;

namespace LlavaCluster.Training.Recipe;

/// <summary>Trains the small model.</summary>
public static class Trainer
{
    /// <summary>Threads that torch computes with; pictures are drawn on the thread pool beside them.</summary>
    private const int AllProcessors = 0;

    /// <summary>Lines that the tokenizer learns from.</summary>
    private const int CorpusLines = 20_000;

    /// <summary>Begins a run, or goes on with the one that stands in the folder, on a thread of its own.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="progress">Told after every step, on the training thread.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Stops after the step that is being made; the state is saved.</param>
    /// <returns>Whether the stage is done; false when the limit or the signal came first.</returns>
    /// <exception cref="TrainException">Training cannot begin or go on.</exception>
    public static Task<bool> RunAsync(
        TrainOptions options, IProgress<TrainProgress> progress, TimeProvider time, CancellationToken cancellation) =>
        Task.Factory.StartNew(
            () =>
            {
                TensorDevice.UseThreads(AllProcessors);
                var folder = RunFolder.Open(options.Folder, RecipePlan.OfThisProcessor, options.Seed, Vocabulary);
                using var alone = folder.Hold();
                using var run = new TrainingRun(folder, time);
                return run.Train(options.Stage, options.Limit, progress, cancellation);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);

    private static BpeVocabulary Vocabulary(int size, ulong seed) => BpeTrainer.Train(QuestionCorpus.Lines(Seeds.At(seed, Seeds.Learned), CorpusLines), size);
}
