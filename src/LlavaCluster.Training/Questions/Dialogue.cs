namespace LlavaCluster.Training.Questions;

/// <summary>What a question asks for; accuracy is told per form.</summary>
internal enum QuestionForm
{
    /// <summary>Which shape.</summary>
    Shape,

    /// <summary>Which colour.</summary>
    Colour,

    /// <summary>How many.</summary>
    Count,

    /// <summary>Yes or no.</summary>
    Presence,

    /// <summary>Where.</summary>
    Place,

    /// <summary>Yes or no about two objects.</summary>
    Relation,

    /// <summary>How one object compares with another.</summary>
    Comparison,

    /// <summary>The word on the picture.</summary>
    Text,

    /// <summary>Every object and the text, in sentences.</summary>
    Description,

    /// <summary>Which of two pictures.</summary>
    TwoPictures,

    /// <summary>A question of a later turn that refers to an earlier one.</summary>
    FollowUp,

    /// <summary>Without a picture.</summary>
    SmallTalk,

    /// <summary>What the model cannot know.</summary>
    Unknowable,
}

/// <summary>The language of a dialogue.</summary>
internal enum DialogueLanguage
{
    /// <summary>English.</summary>
    English,

    /// <summary>Chinese.</summary>
    Chinese,
}

/// <summary>A question and its right answer.</summary>
internal sealed record Exchange(QuestionForm Form, string Question, string Answer);

/// <summary>Turns about the same pictures, which stand before the first question.</summary>
/// <param name="Language">Language of all turns.</param>
/// <param name="Exchanges">One or more turns.</param>
internal sealed record Dialogue(DialogueLanguage Language, IReadOnlyList<Exchange> Exchanges);
