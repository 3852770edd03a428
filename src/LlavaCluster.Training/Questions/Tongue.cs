using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>
/// Puts questions and answers into the words of a language. A wording of a topic may contain <c>{a}</c> (the object's words),
/// <c>{an}</c> (with the article), <c>{as}</c> (plural), <c>{ac}</c> (its bare colour; the wording is for objects named by
/// colour alone), <c>{b}</c>, <c>{bn}</c>, <c>{bc}</c> (the second mention likewise), <c>{at}</c> (the place), <c>{in}</c> (in
/// the picture, or in the one of two that is meant, or nothing), <c>{inside}</c> (the same, never nothing), <c>{picture}</c>
/// (the one of two). Answers have one form each, so that they can be learned and graded.
/// </summary>
internal abstract class Tongue
{
    /// <summary>The tongue of a language.</summary>
    public static Tongue Of(DialogueLanguage language) =>
        language == DialogueLanguage.Chinese ? ChineseTongue.Instance : EnglishTongue.Instance;

    /// <summary>The ways to ask for each topic.</summary>
    public abstract IReadOnlyDictionary<Topic, string[]> Wordings { get; }

    /// <summary>Requests for a short answer that may follow a question.</summary>
    public abstract IReadOnlyList<string> Requests { get; }

    /// <summary>A question in one of its wordings, as it is written in print.</summary>
    public string Ask(Query query, Chance chance)
    {
        var places = Insides(query.Picture);
        return chance.Pick([.. Wordings[query.Topic].Where(wording => Suits(wording, query))])
            .Replace("{as}", Plural(query.A), StringComparison.Ordinal)
            .Replace("{an}", WithArticle(query.A), StringComparison.Ordinal)
            .Replace("{ac}", ColourOf(query.A), StringComparison.Ordinal)
            .Replace("{a}", Noun(query.A), StringComparison.Ordinal)
            .Replace("{bn}", WithArticle(query.B), StringComparison.Ordinal)
            .Replace("{bc}", ColourOf(query.B), StringComparison.Ordinal)
            .Replace("{b}", Noun(query.B), StringComparison.Ordinal)
            .Replace("{at}", At(query.At), StringComparison.Ordinal)
            .Replace("{in}", query.Picture is null && chance.Flip(0.4) ? "" : chance.Pick(places), StringComparison.Ordinal)
            .Replace("{inside}", chance.Pick(places), StringComparison.Ordinal)
            .Replace("{picture}", query.Picture == 0 ? FirstPicture : SecondPicture, StringComparison.Ordinal);
    }

    /// <summary>A wording names the picture if that is needed, and no bare colour where there is none.</summary>
    private static bool Suits(string wording, Query query)
    {
        bool Has(string placeholder) => wording.Contains(placeholder, StringComparison.Ordinal);
        return (query.Picture is null || Has("{in") || Has("{picture}"))
            && (query.A is { Shape: null, Colour: not null } || !Has("{ac}"));
    }

    /// <summary>The answer to a question.</summary>
    public abstract string Answer(Query query);

    /// <summary>"red circle", "circle", "red shape".</summary>
    protected abstract string Noun(Mention mention);

    /// <summary>"a red circle".</summary>
    protected abstract string WithArticle(Mention mention);

    /// <summary>"red circles".</summary>
    protected abstract string Plural(Mention mention);

    /// <summary>"on the left".</summary>
    protected abstract string At(Place place);

    /// <summary>The ways to say "in the picture" or "in the second picture", with their space.</summary>
    protected abstract IReadOnlyList<string> Insides(int? picture);

    /// <summary>"the first picture".</summary>
    protected abstract string FirstPicture { get; }

    /// <summary>"the second picture".</summary>
    protected abstract string SecondPicture { get; }

    /// <summary>"red", or nothing.</summary>
    protected abstract string ColourOf(Mention mention);

    /// <summary>Objects in the order in which a description names them.</summary>
    protected static IEnumerable<SceneObject> InOrder(Scene scene) => scene.Objects.OrderBy(drawn => drawn.CentreX);
}
