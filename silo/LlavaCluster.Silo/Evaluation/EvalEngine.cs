using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Silo.Commands;
using LlavaCluster.Silo.Hosting;
using LlavaCluster.Silo.Inspection;

namespace LlavaCluster.Silo.Evaluation;

/// <summary>The engines of one evaluation, loaded, and how many questions they are asked at once.</summary>
internal sealed class EvalEngine : IAsyncDisposable
{
    /// <summary>For each sequence that is computed one more whose pictures are encoded meanwhile.</summary>
    private const int QuestionsPerSequence = 2;

    private readonly EngineSet _engines;
    private readonly QuestionAsker _asker;
    private readonly int _atOnce;

    private EvalEngine(EngineSet engines, QuestionAsker asker, int atOnce) =>
        (_engines, _asker, _atOnce) = (engines, asker, atOnce);

    /// <summary>Loads the weights.</summary>
    /// <param name="model">The checkpoint.</param>
    /// <param name="settings">Ranks and limits.</param>
    /// <param name="maxNewTokens">Longest answer of a turn.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public static async Task<EvalEngine> StartAsync(
        ServedModel model, NodeSettings settings, int maxNewTokens, CancellationToken cancellationToken)
    {
        var atOnce = QuestionsPerSequence * settings.Engine.MaxSequences;
        settings.Engine.QueueLength = Math.Max(settings.Engine.QueueLength, atOnce);
        LocalFeatures? features = null;
        var engines = new EngineSet(
            new ModelParts(model, settings.Model, SiloRoles.All),
            model,
            settings,
            SiloRoles.All,
            set => features = new LocalFeatures(set.Encoder!),
            TimeProvider.System);
        try
        {
            await ProgressDisplay.RunAsync(
                "Loading the weights", progress => engines.StartAsync(progress, cancellationToken), TimeProvider.System);
        }
        catch
        {
            await engines.DisposeAsync();
            throw;
        }

        return new EvalEngine(engines, new QuestionAsker(model, engines, features!, maxNewTokens), atOnce);
    }

    /// <summary>Asks all questions; the results come in their order. A question that fails gives a result too.</summary>
    public IAsyncEnumerable<QuestionResult> AskAllAsync(IEnumerable<Question> questions, CancellationToken cancellationToken) =>
        OrderedRun.EachAsync(questions, _atOnce, AskAsync, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _engines.DisposeAsync();

    private async Task<QuestionResult> AskAsync(Question question, CancellationToken cancellationToken)
    {
        try
        {
            return new QuestionResult(question, await _asker.AskAsync(question, cancellationToken), null);
        }
        catch (Exception error) when (error is SequenceRefusedException or BadImageException or UserErrorException or IOException)
        {
            return new QuestionResult(question, [], error.Message);
        }
    }
}

/// <summary>What came of a question.</summary>
/// <param name="Question">The question.</param>
/// <param name="Answers">The answers, turn by turn; none where it failed.</param>
/// <param name="Error">Why it failed, or null.</param>
internal sealed record QuestionResult(Question Question, IReadOnlyList<string> Answers, string? Error);
