using LlavaCluster.Training.Recipe.Network;
using LlavaCluster.Training.Recipe.Optimizing;
using LlavaCluster.Training.Recipe.Run;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Answers;

/// <summary>The language model learns to answer: from words alone, through a projector that alone learns, or with all that a phase names.</summary>
internal sealed class AnswerLessons : ILessons
{
    /// <summary>Batches that accuracy is measured on.</summary>
    private const int ScoredBatches = 4;

    private readonly AnswerPass _pass;
    private readonly BatchFeed<LessonBatch> _feed;
    private readonly Lazy<(string Kind, LessonBatch Batch)[]> _heldOut;
    private readonly bool _towerLearns;

    /// <summary>Lessons of a phase from a step on.</summary>
    public AnswerLessons(TinyNetwork network, LessonArtist artist, PhasePlan phase, ulong seed, int firstStep)
    {
        _pass = new AnswerPass(network);
        Parts = PartsOf(phase);
        _towerLearns = Parts.ContainsKey(WeightPart.Tower);
        _feed = new BatchFeed<LessonBatch>(
            step => artist.Draw(Seeds.At(seed, Seeds.Learned, phase.Key, (ulong)step), phase, (double)step / phase.Steps), firstStep, phase.Steps);
        _heldOut = new Lazy<(string, LessonBatch)[]>(() => [.. HeldOut(artist, phase, seed)]);
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<WeightPart, double> Parts { get; }

    /// <inheritdoc/>
    public string Unit => "lessons";

    /// <inheritdoc/>
    public (double Loss, int Units) Backward()
    {
        var batch = _feed.Next();
        using var scope = NewDisposeScope();
        var loss = AnswerPass.Loss(_pass.Logits(batch, _towerLearns), batch);
        loss.backward();
        return (loss.item<float>(), batch.Count);
    }

    /// <inheritdoc/>
    public SortedDictionary<string, double> Score()
    {
        using var quiet = no_grad();
        var score = new AnswerScore();
        foreach (var (kind, batch) in _heldOut.Value)
        {
            using var scope = NewDisposeScope();
            score.Add(_pass.Logits(batch, towerLearns: false), batch, kind);
        }

        return score.Shares();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static Dictionary<WeightPart, double> PartsOf(PhasePlan phase)
    {
        var parts = new Dictionary<WeightPart, double>();
        if (phase.Kind != PhaseKind.Words)
        {
            parts[WeightPart.Projector] = 1;
        }

        if (phase.Kind != PhaseKind.Connector)
        {
            parts[WeightPart.Language] = 1;
        }

        if (phase.Kind == PhaseKind.Dialogues && phase.TowerRate > 0)
        {
            parts[WeightPart.Tower] = phase.TowerRate;
        }

        return parts;
    }

    /// <summary>Base tile and grid apart, as far as the phase has them; as hard as at the phase's end.</summary>
    private static IEnumerable<(string Kind, LessonBatch Batch)> HeldOut(LessonArtist artist, PhasePlan phase, ulong seed)
    {
        var kinds = new[] { ("", Share: 0.0), ("grid ", Share: 1.0) }
            .Where(kind => kind.Share == 0 ? phase.GridShare < 1 : phase.GridShare > 0 && phase.Kind != PhaseKind.Words);
        foreach (var (kind, share) in kinds)
        {
            for (ulong number = 0; number < ScoredBatches; number++)
            {
                var place = Seeds.At(seed, Seeds.HeldOut, (ulong)phase.Kind, number);
                yield return (kind, artist.Draw(place, phase with { GridShare = share, Batch = 8000 }, progress: 1));
            }
        }
    }
}
