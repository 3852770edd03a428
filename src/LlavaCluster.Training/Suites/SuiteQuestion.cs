using LlavaCluster.Training.Drawing;
using LlavaCluster.Training.Questions;

namespace LlavaCluster.Training.Suites;

/// <summary>One question of a suite, or a short conversation whose last answer counts.</summary>
public sealed class SuiteQuestion
{
    private readonly Exchange _last;
    private readonly IReadOnlyList<Scene> _scenes;

    internal SuiteQuestion(string row, IReadOnlyList<SuitePicture> pictures, IReadOnlyList<Scene> scenes, Dialogue dialogue)
    {
        (Row, Pictures, _scenes, _last) = (row, pictures, scenes, dialogue.Exchanges[^1]);
        Turns = [.. dialogue.Exchanges.Select(e => e.Question)];
    }

    /// <summary>The row of the table that it counts for.</summary>
    public string Row { get; }

    /// <summary>Its pictures, which stand before the first question.</summary>
    public IReadOnlyList<SuitePicture> Pictures { get; }

    /// <summary>What the user says, turn by turn; the model answers each.</summary>
    public IReadOnlyList<string> Turns { get; }

    /// <summary>A right answer to the last; others may be right too.</summary>
    public string Expected => _last.Answer;

    /// <summary>Whether an answer to the last is right.</summary>
    public bool IsRight(string answer) => AnswerGrade.IsRight(_last, _scenes, answer);
}
