using LlavaCluster.Training.Drawing;
using LlavaCluster.Training.Questions;

namespace LlavaCluster.Training.Suites;

/// <summary>
/// Questions about pictures that are drawn for the purpose, the same number of each kind. The same seed and count give the same
/// questions where the same fonts are installed. Scenes are named by 64 bits of chance, in training as here, so that ten thousand of a
/// suite meet one of a hundred million learned ones with a probability below one in a million, whatever the seeds.
/// </summary>
public sealed class PictureSuite
{
    /// <summary>Sets a suite's chance apart from that of a training run with the same seed.</summary>
    private const ulong OfSuite = 0x5355495445;

    /// <summary>Two of texts, one of two pictures, one of small talk.</summary>
    private const int OtherRows = 4;

    private static readonly DialogueMix English = DialogueMix.Standard with { ChineseShare = 0 };

    private readonly SceneArtist _artist;
    private readonly ulong _seed;
    private readonly int _count;

    private PictureSuite(SceneArtist artist, ulong seed, int count) => (_artist, _seed, _count) = (artist, seed, count);

    /// <summary>Rows about one picture, by what they ask.</summary>
    private static IReadOnlyList<(string Name, QuestionForm Form, DialogueLanguage Language)> OfOnePicture { get; } =
    [
        ("shape", QuestionForm.Shape, DialogueLanguage.English),
        ("colour", QuestionForm.Colour, DialogueLanguage.English),
        ("count", QuestionForm.Count, DialogueLanguage.English),
        ("presence", QuestionForm.Presence, DialogueLanguage.English),
        ("place", QuestionForm.Place, DialogueLanguage.English),
        ("relation", QuestionForm.Relation, DialogueLanguage.English),
        ("description", QuestionForm.Description, DialogueLanguage.English),
        (SuiteTally.TwoTurns, QuestionForm.FollowUp, DialogueLanguage.English),
        ("unknowable", QuestionForm.Unknowable, DialogueLanguage.English),
        ("Chinese: shape", QuestionForm.Shape, DialogueLanguage.Chinese),
        ("Chinese: colour", QuestionForm.Colour, DialogueLanguage.Chinese),
        ("Chinese: count", QuestionForm.Count, DialogueLanguage.Chinese),
    ];

    /// <summary>Questions in all.</summary>
    public int Total => (OfOnePicture.Count + OtherRows) * _count;

    /// <summary>The suite of a seed.</summary>
    /// <param name="seed">Another seed draws other pictures.</param>
    /// <param name="count">Questions of each row.</param>
    /// <exception cref="InvalidOperationException">There is no font on this machine; the message names packages.</exception>
    public static PictureSuite Draw(ulong seed, int count) => new(new SceneArtist(FontShelf.Find()), seed, count);

    /// <summary>The questions, drawn as they are taken; those about the same picture follow one another.</summary>
    public IEnumerable<SuiteQuestion> Questions() =>
        AboutOne().Concat(AboutText(SuiteTally.TextOfBaseTile, SceneMix.TextOfBaseTile, 1))
            .Concat(AboutText(SuiteTally.TextOfTiles, SceneMix.TextOfTiles, 2))
            .Concat(AboutTwo())
            .Concat(SmallTalk());

    private IEnumerable<SuiteQuestion> AboutOne()
    {
        var chance = Stream(0);
        var open = OfOnePicture.ToDictionary(row => row, _ => _count);
        while (open.Count > 0)
        {
            var drawn = Draw(SceneMix.Standard, chance);
            var picture = new SuitePicture(drawn.Pixels);
            foreach (var row in open.Keys.ToArray())
            {
                if (DialogueWriter.TryAsk(row.Form, [drawn.Scene], row.Language, chance.Bits(), English) is { } dialogue)
                {
                    yield return new SuiteQuestion(row.Name, [picture], [drawn.Scene], dialogue);
                    if (--open[row] == 0)
                    {
                        open.Remove(row);
                    }
                }
            }
        }
    }

    private IEnumerable<SuiteQuestion> AboutText(string row, SceneMix mix, ulong stream)
    {
        var chance = Stream(stream);
        for (var n = 0; n < _count;)
        {
            var drawn = Draw(mix, chance);
            if (DialogueWriter.TryAsk(QuestionForm.Text, [drawn.Scene], DialogueLanguage.English, chance.Bits(), English) is { } dialogue)
            {
                n++;
                yield return new SuiteQuestion(row, [new SuitePicture(drawn.Pixels)], [drawn.Scene], dialogue);
            }
        }
    }

    private IEnumerable<SuiteQuestion> AboutTwo()
    {
        var chance = Stream(3);
        for (var n = 0; n < _count;)
        {
            DrawnPicture[] drawn = [Draw(SceneMix.Standard, chance), Draw(SceneMix.Standard, chance)];
            Scene[] scenes = [.. drawn.Select(d => d.Scene)];
            if (DialogueWriter.TryAsk(QuestionForm.TwoPictures, scenes, DialogueLanguage.English, chance.Bits(), English) is { } dialogue)
            {
                n++;
                yield return new SuiteQuestion(SuiteTally.TwoPictures, [.. drawn.Select(d => new SuitePicture(d.Pixels))], scenes, dialogue);
            }
        }
    }

    private IEnumerable<SuiteQuestion> SmallTalk() =>
        DialogueWriter.WithoutPicture(_count, Stream(4).Bits(), chineseShare: 0).Select(d => new SuiteQuestion("small talk", [], [], d));

    private DrawnPicture Draw(SceneMix mix, Chance chance) => _artist.Draw(chance.Bits(), mix);

    private Chance Stream(ulong number) => new(new Chance(_seed ^ OfSuite).Bits() + number);
}
