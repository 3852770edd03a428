using LlavaCluster.Training.Questions;

namespace LlavaCluster.Training.Recipe.Answers;

/// <summary>One dialogue behind the pictures that it is about.</summary>
/// <param name="Ids">Tokens from after the last picture to the last answer's last word; the end of an answer is never read, only told.</param>
/// <param name="Targets">The token that follows each, where it is the model's to tell: answers and their ends; −1 elsewhere.</param>
/// <param name="Answers">The answers, in order.</param>
internal sealed record Branch(int[] Ids, int[] Targets, IReadOnlyList<AnswerRun> Answers);

/// <summary>The targets of one answer.</summary>
/// <param name="Form">What was asked.</param>
/// <param name="Language">In which language.</param>
/// <param name="First">Place of the first target in the branch.</param>
/// <param name="Length">How many, the end included.</param>
internal readonly record struct AnswerRun(QuestionForm Form, DialogueLanguage Language, int First, int Length);
