using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Writes dialogues about pictures. The same scenes, seed and mix give the same dialogues. Any thread.</summary>
internal static class DialogueWriter
{
    /// <summary>How often an allowed form is looked for before the pictures count as allowing none.</summary>
    private const int Tries = 20;

    /// <summary>Dialogues about one picture or two; as far as the scenes allow no question comes twice.</summary>
    /// <param name="pictures">One or two scenes, in the order in which the model sees them.</param>
    /// <param name="count">Number of dialogues.</param>
    /// <param name="seed">Decides everything.</param>
    /// <param name="mix">Forms and languages; <see cref="DialogueMix.Standard"/> when null.</param>
    public static IReadOnlyList<Dialogue> About(IReadOnlyList<Scene> pictures, int count, ulong seed, DialogueMix? mix = null)
    {
        mix ??= DialogueMix.Standard;
        var chance = new Chance(seed);
        var facts = Facts(pictures);
        var forms = mix.Weights.Keys.Order().ToArray();
        var weights = forms.Select(form => mix.Weights[form]).ToArray();
        var written = new List<Dialogue>();
        var asked = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var tries = 0; written.Count < count; tries++)
        {
            var form = forms[chance.Weighted(weights)];
            var language = chance.Flip(mix.ChineseShare) ? DialogueLanguage.Chinese : DialogueLanguage.English;
            if (Try(form, facts, language, mix, chance) is { } dialogue
                && (asked.Add(string.Join('\n', dialogue.Exchanges.Select(e => e.Question))) || tries > count * Tries))
            {
                written.Add(dialogue);
            }
            else if (written.Count == 0 && tries > count * Tries)
            {
                throw new ArgumentException(
                    $"None of the forms {string.Join(", ", forms)} can be asked of these {pictures.Count} pictures; allow descriptions.",
                    nameof(mix));
            }
        }

        return written;
    }

    /// <summary>
    /// A dialogue whose last question has a form; null when the pictures do not allow it (as they are, or by bad luck).
    /// </summary>
    public static Dialogue? TryAsk(
        QuestionForm form, IReadOnlyList<Scene> pictures, DialogueLanguage language, ulong seed, DialogueMix? mix = null)
    {
        var chance = new Chance(seed);
        var facts = Facts(pictures);
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            if (Try(form, facts, language, mix ?? DialogueMix.Standard, chance) is { } dialogue)
            {
                return dialogue;
            }
        }

        return null;
    }

    /// <summary>Small talk, and questions about pictures that are not there.</summary>
    public static IReadOnlyList<Dialogue> WithoutPicture(int count, ulong seed, double chineseShare = 0.2)
    {
        var chance = new Chance(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var language = chance.Flip(chineseShare) ? DialogueLanguage.Chinese : DialogueLanguage.English;
            return Typed(SmallTalk.WithoutPicture(language, chance), language, DialogueMix.Standard.CarelessShare, chance);
        })];
    }

    private static SceneFacts[] Facts(IReadOnlyList<Scene> pictures) => pictures.Count is 1 or 2
        ? [.. pictures.Select(scene => new SceneFacts(scene))]
        : throw new ArgumentException($"{pictures.Count} pictures; questions are about one or two.", nameof(pictures));

    private static Dialogue? Try(QuestionForm form, SceneFacts[] facts, DialogueLanguage language, DialogueMix mix, Chance chance)
    {
        if (form == QuestionForm.SmallTalk || (form == QuestionForm.Unknowable && (facts.Length == 2 || chance.Flip(0.6))))
        {
            var exchange = form == QuestionForm.SmallTalk
                ? SmallTalk.WithPicture(language, chance)
                : SmallTalk.Unknowable(language, chance);
            return Typed(exchange, language, mix.CarelessShare, chance);
        }

        var queries = facts.Length == 2 ? OfTwo(form, facts, chance) : OfOne(form, facts[0], mix, chance);
        return queries is null ? null : new Dialogue(language, [.. queries.Select(query => Worded(query, language, mix, chance))]);
    }

    private static Dialogue Typed(Exchange exchange, DialogueLanguage language, double careless, Chance chance) =>
        new(language, [exchange with { Question = Typing.Careless(exchange.Question, language, careless, chance) }]);

    private static IReadOnlyList<Query>? OfTwo(QuestionForm form, SceneFacts[] facts, Chance chance) => form switch
    {
        QuestionForm.TwoPictures => Single(PairQueries.Any(facts[0], facts[1], chance)),
        QuestionForm.FollowUp => PairQueries.InTurn(facts[0], facts[1], chance),
        _ => null,
    };

    private static IReadOnlyList<Query>? OfOne(QuestionForm form, SceneFacts facts, DialogueMix mix, Chance chance) => form switch
    {
        QuestionForm.Shape => Single(ObjectQueries.Shape(facts, chance)),
        QuestionForm.Colour => Single(ObjectQueries.Colour(facts, chance)),
        QuestionForm.Place => Single(ObjectQueries.Place(facts, chance)),
        QuestionForm.Count => [CountQueries.Any(facts, chance)],
        QuestionForm.Presence => Single(YesNoQueries.Presence(facts, chance)),
        QuestionForm.Relation => Single(PairOfObjects.OfChance(facts, chance)?.IsSo(chance, mix.AcrossWeight)),
        QuestionForm.Comparison => Single(PairOfObjects.OfChance(facts, chance)?.Compared(chance, mix.AcrossWeight)),
        QuestionForm.Text => Single(SceneQueries.Text(facts)),
        QuestionForm.Description => [SceneQueries.Description(facts, chance)],
        QuestionForm.Unknowable => [SceneQueries.Absent(facts, chance)],
        QuestionForm.FollowUp => FollowUps.Try(facts, chance),
        _ => null,
    };

    private static IReadOnlyList<Query>? Single(Query? query) => query is null ? null : [query];

    private static Exchange Worded(Query query, DialogueLanguage language, DialogueMix mix, Chance chance)
    {
        var tongue = Tongue.Of(language);
        var question = Typing.Careless(tongue.Ask(query, chance), language, mix.CarelessShare, chance);
        if (query.Reply is not Reply.OfScene && chance.Flip(mix.RequestShare))
        {
            var request = Typing.Careless(chance.Pick(tongue.Requests), language, mix.CarelessShare / 2, chance);
            question = language == DialogueLanguage.English ? $"{question} {request}" : question + request;
        }

        return new Exchange(query.Form, question, tongue.Answer(query));
    }
}
