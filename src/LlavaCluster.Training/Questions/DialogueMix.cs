namespace LlavaCluster.Training.Questions;

/// <summary>Which dialogues are written; a stage of training can have its own.</summary>
internal sealed record DialogueMix
{
    /// <summary>All forms.</summary>
    public static DialogueMix Standard { get; } = new();

    /// <summary>Descriptions only, as the connector learns from.</summary>
    public static DialogueMix Captions { get; } = new()
    {
        Weights = new Dictionary<QuestionForm, double> { [QuestionForm.Description] = 1 },
        ChineseShare = 0,
    };

    /// <summary>
    /// How often each form is asked, in proportion, where the pictures allow it; a form that is missing is not asked.
    /// </summary>
    public IReadOnlyDictionary<QuestionForm, double> Weights { get; init; } = new Dictionary<QuestionForm, double>
    {
        [QuestionForm.Shape] = 1.2,
        [QuestionForm.Colour] = 1.2,
        [QuestionForm.Count] = 1.5,
        [QuestionForm.Presence] = 1.5,
        [QuestionForm.Place] = 1.3,
        [QuestionForm.Relation] = 1.2,
        [QuestionForm.Text] = 1.5,
        [QuestionForm.Description] = 1.3,
        [QuestionForm.TwoPictures] = 8,
        [QuestionForm.FollowUp] = 1.2,
        [QuestionForm.SmallTalk] = 0.1,
        [QuestionForm.Unknowable] = 0.3,
    };

    /// <summary>
    /// How often two objects are compared from left to right beside what is usual; the rest is left to comparisons of height and size.
    /// </summary>
    public double AcrossWeight { get; init; } = 1;

    /// <summary>Share of dialogues in Chinese.</summary>
    public double ChineseShare { get; init; } = 0.08;

    /// <summary>Share of questions that ask for a short answer.</summary>
    public double RequestShare { get; init; } = 0.3;

    /// <summary>Share of questions that are typed in another case or without the mark at the end.</summary>
    public double CarelessShare { get; init; } = 0.3;
}
