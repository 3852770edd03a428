using LlavaCluster.Core.Prompting;
using LlavaCluster.Training.Questions;

namespace LlavaCluster.Training.Recipe.Answers;

/// <summary>
/// Dialogues to tokens, exactly as serving makes them: the first prompt by the checkpoint's template, each answer as it is generated, each
/// further question as serving appends it. Immutable: any thread.
/// </summary>
/// <param name="tokenizer">The checkpoint's tokenizer.</param>
/// <param name="prompts">The checkpoint's prompts.</param>
/// <param name="endId">The token that ends an answer.</param>
internal sealed class BranchWriter(ITokenizer tokenizer, IPromptBuilder prompts, int endId)
{
    /// <summary>Tokens that all dialogues about the same pictures begin with.</summary>
    /// <param name="imageTokens">Tokens of each picture; none for dialogues without pictures.</param>
    /// <returns>The prefix's tokens and where the pictures are in it; without pictures it is empty.</returns>
    public (int[] Ids, IReadOnlyList<ImageRun> Images) Prefix(IReadOnlyList<int> imageTokens)
    {
        if (imageTokens.Count == 0)
        {
            return ([], []);
        }

        var prompt = First("", imageTokens);
        return ([.. prompt.TokenIds.Take(Shared(prompt))], prompt.Images);
    }

    /// <summary>A dialogue's tokens behind the prefix.</summary>
    /// <param name="dialogue">The dialogue.</param>
    /// <param name="imageTokens">As for <see cref="Prefix"/>.</param>
    public Branch Write(Dialogue dialogue, IReadOnlyList<int> imageTokens)
    {
        var ids = new List<int>();
        var targets = new List<int>();
        var answers = new List<AnswerRun>();
        foreach (var exchange in dialogue.Exchanges)
        {
            if (ids.Count == 0)
            {
                var prompt = First(exchange.Question, imageTokens);
                ids.AddRange(prompt.TokenIds.Skip(Shared(prompt)));
            }
            else
            {
                ids.AddRange(prompts.NextTurn(ChatMessage.Of(ChatRole.User, exchange.Question), []).TokenIds);
            }

            // The template's colon is the last that is read before the answer's first word is told.
            var answer = tokenizer.EncodePlain(" " + exchange.Answer, TextPosition.Continuation);
            Fill(targets, ids.Count - 1);
            answers.Add(new AnswerRun(exchange.Form, dialogue.Language, ids.Count - 1, answer.Count + 1));
            targets.AddRange(answer);
            targets.Add(endId);
            ids.AddRange(answer);
        }

        return new Branch([.. ids], [.. targets], answers);
    }

    /// <summary>The same tokens with every one of them to be told: what the language model learns to speak from.</summary>
    public static Branch TellAll(Branch branch)
    {
        var targets = branch.Targets.ToArray();
        for (var i = 0; i + 1 < targets.Length; i++)
        {
            targets[i] = targets[i] < 0 ? branch.Ids[i + 1] : targets[i];
        }

        return branch with { Targets = targets };
    }

    private static void Fill(List<int> targets, int count)
    {
        while (targets.Count < count)
        {
            targets.Add(-1);
        }
    }

    private Prompt First(string question, IReadOnlyList<int> imageTokens)
    {
        var parts = imageTokens.Select(_ => (ChatPart)new ChatPart.Image()).Append(new ChatPart.Text(question)).ToArray();
        return prompts.Conversation([new ChatMessage(ChatRole.User, parts)], imageTokens);
    }

    private static int Shared(Prompt prompt) => prompt.Images.Count == 0 ? 0 : prompt.Images[^1].Offset + prompt.Images[^1].Length;
}
