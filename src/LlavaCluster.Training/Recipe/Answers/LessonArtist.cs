using LlavaCluster.Core.Imaging;
using LlavaCluster.Training.Drawing;
using LlavaCluster.Training.Questions;

namespace LlavaCluster.Training.Recipe.Answers;

/// <summary>Draws pictures, asks about them and makes lessons of it. Many threads may draw with one.</summary>
internal sealed class LessonArtist
{
    /// <summary>Dialogues about a picture: its tokens are computed once for all of them.</summary>
    private const int DialoguesPerPicture = 9;

    private const int DialoguesPerPair = 5;
    private const int DialoguesPerText = 12;

    private readonly SceneArtist _artist;
    private readonly BranchWriter _writer;
    private readonly ImagePreprocessor _grid;
    private readonly ImagePreprocessor _base;
    private readonly int _side;

    /// <summary>An artist for a model.</summary>
    /// <param name="fonts">Fonts of words.</param>
    /// <param name="processing">How the model cuts pictures.</param>
    /// <param name="writer">Dialogues to tokens.</param>
    public LessonArtist(FontShelf fonts, ImageProcessing processing, BranchWriter writer)
    {
        (_artist, _writer, _side) = (new SceneArtist(fonts), writer, processing.TileSide);
        _grid = new ImagePreprocessor(processing);
        _base = new ImagePreprocessor(processing with { Mode = ImageMode.BaseTile });
    }

    /// <summary>Lessons up to a budget of tokens, at least one.</summary>
    /// <param name="seed">Decides everything.</param>
    /// <param name="phase">What they are like, and the budget.</param>
    /// <param name="progress">How much of the phase is over, 0–1: pictures get harder.</param>
    public LessonBatch Draw(ulong seed, PhasePlan phase, double progress)
    {
        var lessons = new List<Lesson>();
        var tokens = 0;
        for (ulong number = 0; ; number++)
        {
            var lesson = phase.Kind switch
            {
                PhaseKind.Words => Words(new Chance(Seeds.At(seed, number)).Bits()),
                PhaseKind.Connector => Caption(new Chance(Seeds.At(seed, number)), phase),
                _ => Any(new Chance(Seeds.At(seed, number)), phase, progress),
            };
            if (lessons.Count > 0 && tokens + lesson.Length > phase.Batch)
            {
                return new LessonBatch(lessons, phase.Batch);
            }

            lessons.Add(lesson);
            tokens += lesson.Length;
        }
    }

    private Lesson Any(Chance chance, PhasePlan phase, double progress)
    {
        if (chance.Flip(0.03))
        {
            return Of([], DialogueWriter.WithoutPicture(DialoguesPerText, chance.Bits()), isGrid: false);
        }

        var isGrid = chance.Flip(phase.GridShare);
        if (chance.Flip(phase.PairShare))
        {
            var pair = new[]
            {
                Picture(chance, phase, progress, isGrid, About.Anything),
                Picture(chance, phase, progress, isGrid, About.Anything),
            };
            return Of(pair, DialogueWriter.About([.. pair.Select(p => p.Scene)], DialoguesPerPair, chance.Bits()), isGrid);
        }

        var about = chance.Flip(phase.SpellingShare) ? About.Text
            : phase.ComparingShare > 0 && chance.Flip(phase.ComparingShare) ? About.Pairs
            : phase.ListingShare > 0 && chance.Flip(phase.ListingShare) ? About.All
            : About.Anything;
        var picture = Picture(chance, phase, progress, isGrid, about);
        var mix = about switch
        {
            About.Text => DialogueMix.Standard with { Weights = SpellingWeights },
            About.Pairs => DialogueMix.Standard with { Weights = ComparingWeights, AcrossWeight = phase.AcrossWeight },
            About.All => DialogueMix.Standard with { Weights = ListingWeights },
            _ => DialogueMix.Standard,
        };
        var count = about is About.Text or About.All ? DialoguesPerPicture / 3 : DialoguesPerPicture;
        return Of([picture], DialogueWriter.About([picture.Scene], count, chance.Bits(), mix), isGrid);
    }

    private static Dictionary<QuestionForm, double> SpellingWeights { get; } = new()
    {
        [QuestionForm.Text] = 3,
        [QuestionForm.Description] = 0.5,
    };

    /// <summary>To compare is learned from answers that name the side; a yes alone, right as often as wrong, teaches next to nothing.</summary>
    private static Dictionary<QuestionForm, double> ComparingWeights { get; } = new()
    {
        [QuestionForm.Comparison] = 3,
        [QuestionForm.Relation] = 3,
        [QuestionForm.Place] = 1,

        // Always possible: two like objects in places between places allow none of the others.
        [QuestionForm.Count] = 0.5,
    };

    /// <summary>Few questions of each picture, since their answers are the same list: other pictures teach more.</summary>
    private static Dictionary<QuestionForm, double> ListingWeights { get; } = new()
    {
        [QuestionForm.Description] = 3,
        [QuestionForm.Count] = 3,
        [QuestionForm.Shape] = 0.5,
        [QuestionForm.Place] = 0.5,
    };

    private Lesson Caption(Chance chance, PhasePlan phase)
    {
        var isGrid = chance.Flip(phase.GridShare);
        var picture = Picture(chance, phase, progress: 0, isGrid, About.Anything);
        return Of([picture], DialogueWriter.About([picture.Scene], 2, chance.Bits(), DialogueMix.Captions), isGrid);
    }

    private Lesson Words(ulong seed)
    {
        var dialogues = QuestionCorpus.Dialogues(seed, DialogueMix.Standard).Take(DialoguesPerText);
        return new Lesson([], [], [.. dialogues.Select(d => BranchWriter.TellAll(_writer.Write(d, [])))], []);
    }

    private DrawnPicture Picture(Chance chance, PhasePlan phase, double progress, bool isGrid, About about)
    {
        // Large pictures cost time to draw and look much the same in tiles: few of them are enough.
        var mix = new SceneMix { TileSide = _side, MaxSide = chance.Flip(0.1) ? 1400 : 480, TextShare = about == About.Text ? 1 : 0.5 };
        if (!isGrid)
        {
            // What cannot be read in the base tile must not be asked there: it would teach to guess.
            var least = Math.Max(8.5, phase.FirstGlyphHeight * (1 - (progress / 0.6)));
            mix = mix with { MinBaseGlyphHeight = least, MaxGlyphHeight = 60 };
        }
        else if (about == About.Text && chance.Flip(0.7))
        {
            mix = mix with { MinGlyphHeight = 9, MaxBaseGlyphHeight = 6.5 };
        }
        else
        {
            mix = mix with { MinGlyphHeight = 9 };
        }

        if (about == About.Pairs)
        {
            mix = mix with { MinObjects = 2 };
        }

        if (about == About.All)
        {
            mix = mix with { MinObjects = 3 };
        }

        if (about == About.Text)
        {
            // Short words first.
            mix = mix with { MaxCharacters = Math.Clamp(3 + (int)(progress * 8), 3, 6), MaxObjects = 2 };
        }

        return _artist.Draw(chance.Bits(), mix);
    }

    private Lesson Of(IReadOnlyList<DrawnPicture> pictures, IReadOnlyList<Dialogue> dialogues, bool isGrid)
    {
        var tiles = pictures.Select(picture => (isGrid ? _grid : _base).Process(picture.Pixels)).ToArray();
        var imageTokens = tiles.Select(t => t.Geometry.Tokens).ToArray();
        var (prefix, runs) = _writer.Prefix(imageTokens);
        return new Lesson(prefix, runs, [.. dialogues.Select(dialogue => _writer.Write(dialogue, imageTokens))], tiles);
    }

    /// <summary>What a picture is drawn to be asked about.</summary>
    private enum About
    {
        Anything,
        Text,
        Pairs,
        All,
    }
}
