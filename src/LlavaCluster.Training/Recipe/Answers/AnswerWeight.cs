using LlavaCluster.Training.Questions;

namespace LlavaCluster.Training.Recipe.Answers;

/// <summary>
/// What an answer weighs in the loss. The mean over its tokens would make a long one count as little as a yes; the sum would let its
/// letters drown all else.
/// </summary>
internal static class AnswerWeight
{
    /// <summary>Weight of an answer to a question of a form.</summary>
    public static float Of(QuestionForm form) => form switch
    {
        QuestionForm.Description => 4,
        QuestionForm.Text => 3,
        QuestionForm.FollowUp => 1.5f,
        QuestionForm.SmallTalk or QuestionForm.Unknowable => 0.5f,
        _ => 1,
    };
}
