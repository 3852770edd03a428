using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>English words. Answers are bare: "red", "top left", "2"; only a description is a sentence.</summary>
internal sealed class EnglishTongue : Tongue
{
    private static readonly string[] AnyPicture =
        [" in the picture", " in the picture", " in the image", " in this picture", " in this image", " here"];

    private static readonly string[][] OneOfTwo =
    [
        [" in the first picture", " in the first image", " in picture 1"],
        [" in the second picture", " in the second image", " in picture 2"],
    ];

    private static readonly string[] Places =
        ["top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right"];

    private EnglishTongue()
    {
    }

    /// <summary>The one.</summary>
    public static EnglishTongue Instance { get; } = new();

    /// <inheritdoc/>
    public override IReadOnlyDictionary<Topic, string[]> Wordings => EnglishWordings.Table;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Requests { get; } =
        ["Answer with a single word.", "Answer with a single word.", "Answer with one word.", "Answer in one word.",
         "Answer briefly.", "One word answer.", "Reply with a single word."];

    /// <inheritdoc/>
    protected override string FirstPicture => "the first picture";

    /// <inheritdoc/>
    protected override string SecondPicture => "the second picture";

    /// <inheritdoc/>
    public override string Answer(Query query) => query.Reply switch
    {
        Reply.OfShape reply => Name(reply.Shape),
        Reply.OfColour reply => Name(reply.Colour),
        Reply.OfNumber reply => reply.Number.ToString(),
        Reply.OfTruth reply => reply.Holds ? "yes" : "no",
        Reply.OfPlace reply => Places[(int)reply.Place],
        Reply.OfComparison reply => reply.Comparison.ToString().ToLowerInvariant(),
        Reply.OfText reply => reply.Text,
        Reply.OfPicture reply => reply.Index == 0 ? "first" : "second",
        Reply.OfNothing reply => $"There is no {Noun(reply.Missing)}.",
        Reply.OfNoText => "There is no text.",
        Reply.OfScene reply => Describe(reply),
        _ => throw new ArgumentOutOfRangeException(nameof(query), query.Reply, null),
    };

    /// <summary>The word for a shape.</summary>
    public static string Name(SceneShape shape) => shape.ToString().ToLowerInvariant();

    /// <summary>The word for a colour.</summary>
    public static string Name(SceneColour colour) => colour.ToString().ToLowerInvariant();

    /// <inheritdoc/>
    protected override string Noun(Mention mention) => (mention.Colour, mention.Shape) switch
    {
        ({ } colour, { } shape) => $"{Name(colour)} {Name(shape)}",
        (null, { } shape) => Name(shape),
        ({ } colour, null) => $"{Name(colour)} shape",
        _ => "shape",
    };

    /// <inheritdoc/>
    protected override string WithArticle(Mention mention) => Article(Noun(mention));

    /// <inheritdoc/>
    protected override string Plural(Mention mention) => Noun(mention) is var noun && noun.EndsWith('s') ? noun + "es" : noun + "s";

    /// <inheritdoc/>
    protected override string At(Place place) => place switch
    {
        Place.Left or Place.Right => $"on the {Places[(int)place]}",
        Place.Centre => "in the centre",
        _ => $"at the {Places[(int)place]}",
    };

    /// <inheritdoc/>
    protected override IReadOnlyList<string> Insides(int? picture) => picture is { } index ? OneOfTwo[index] : AnyPicture;

    /// <inheritdoc/>
    protected override string ColourOf(Mention mention) => mention.Colour is { } colour ? Name(colour) : "";

    private string Describe(Reply.OfScene reply)
    {
        var named = InOrder(reply.Scene)
            .Select(drawn => Article($"{Name(drawn.Colour)} {(drawn.Filled ? "" : "outlined ")}{Name(drawn.Shape)}")
                + (reply.Places ? " " + At(PlaceRule.Nearest(reply.Scene, drawn)) : ""))
            .ToArray();
        var objects = named.Length switch
        {
            0 => "",
            1 => named[0],
            _ => $"{string.Join(", ", named[..^1])} and {named[^1]}",
        };
        string[] sentences =
        [
            .. objects.Length > 0 ? [$"{char.ToUpperInvariant(objects[0])}{objects[1..]}."] : Array.Empty<string>(),
            .. reply.Scene.Text is { } text ? [$"The text says \"{text.Value}\"."] : Array.Empty<string>(),
        ];
        return sentences.Length > 0 ? string.Join(' ', sentences) : "There is nothing in the picture.";
    }

    private static string Article(string noun) => (noun[0] is 'a' or 'e' or 'i' or 'o' or 'u' ? "an " : "a ") + noun;
}
