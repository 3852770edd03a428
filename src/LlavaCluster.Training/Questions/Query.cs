using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>What a question is about, apart from the words of a language. A topic has several wordings in each.</summary>
internal enum Topic
{
    ShapeOfOnly,
    ShapeOfColour,
    ShapeAtPlace,
    ShapeOfBiggest,
    ColourOfOnly,
    ColourOfShape,
    ColourAtPlace,
    ColourOfBiggest,
    CountAll,
    CountSome,
    ThereIs,
    ThereIsText,
    IsColour,
    IsShape,
    PlaceOfOnly,
    PlaceOf,
    PlaceOfText,
    IsLeftOf,
    IsRightOf,
    IsAbove,
    IsBelow,
    IsBigger,
    IsSmaller,
    SideOf,
    LeftOrRight,
    AboveOrBelow,
    BiggerOrSmaller,
    ReadText,
    Describe,
    DescribeInDetail,
    WhichPicture,
    BothPictures,
    PictureWithMore,
    ItsColour,
    ItsShape,
    ItsPlace,
    AndOther,
    AndThe,
    AndHowMany,
    AndIsThere,
    OfThem,
    AndOtherPicture,
}

/// <summary>Words for an object: by shape, by colour, or by both.</summary>
internal readonly record struct Mention(SceneShape? Shape, SceneColour? Colour)
{
    /// <summary>An object fits the words.</summary>
    public bool Fits(SceneObject drawn) =>
        (Shape is null || Shape == drawn.Shape) && (Colour is null || Colour == drawn.Colour);

    /// <summary>The other words say the same kind of things.</summary>
    public bool IsLike(Mention other) => Shape is null == other.Shape is null && Colour is null == other.Colour is null;
}

/// <summary>A question and its answer before they are put into words.</summary>
/// <param name="Form">What accuracy it counts for.</param>
/// <param name="Topic">What it is about.</param>
/// <param name="Reply">The right answer.</param>
internal sealed record Query(QuestionForm Form, Topic Topic, Reply Reply)
{
    /// <summary>The object or objects it names.</summary>
    public Mention A { get; init; }

    /// <summary>The other object that it names.</summary>
    public Mention B { get; init; }

    /// <summary>The place that it names.</summary>
    public Place At { get; init; }

    /// <summary>Index of the picture that it names; null when there is one only.</summary>
    public int? Picture { get; init; }
}

/// <summary>An answer before it is put into words.</summary>
internal abstract record Reply
{
    /// <summary>The name of a shape.</summary>
    public sealed record OfShape(SceneShape Shape) : Reply;

    /// <summary>The name of a colour.</summary>
    public sealed record OfColour(SceneColour Colour) : Reply;

    /// <summary>A number in figures.</summary>
    public sealed record OfNumber(int Number) : Reply;

    /// <summary>Yes or no.</summary>
    public sealed record OfTruth(bool Holds) : Reply;

    /// <summary>A place.</summary>
    public sealed record OfPlace(Place Place) : Reply;

    /// <summary>How one object compares with another.</summary>
    public sealed record OfComparison(Comparison Comparison) : Reply;

    /// <summary>The word on a picture.</summary>
    public sealed record OfText(string Text) : Reply;

    /// <summary>Everything on a picture, perhaps with places.</summary>
    public sealed record OfScene(Scene Scene, bool Places) : Reply;

    /// <summary>The first or the second picture.</summary>
    public sealed record OfPicture(int Index) : Reply;

    /// <summary>What is asked about is not there.</summary>
    public sealed record OfNothing(Mention Missing) : Reply;

    /// <summary>There is no text.</summary>
    public sealed record OfNoText : Reply;
}
