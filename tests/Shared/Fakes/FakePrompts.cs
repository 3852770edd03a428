using LlavaCluster.Core.Prompting;

namespace LlavaCluster.Tests.Fakes;

/// <summary>
/// A template in ids: 1 begins a conversation, 2 precedes a user's message, 3 asks for an answer, 4 ends an answer's turn; placeholders come
/// before a message's words.
/// </summary>
internal sealed class FakePrompts(ITokenizer tokenizer) : IPromptBuilder
{
    public Prompt Conversation(IReadOnlyList<ChatMessage> messages, IReadOnlyList<int> imageTokens)
    {
        List<int> ids = [1];
        var images = new List<ImageRun>();
        var used = 0;
        foreach (var message in messages)
        {
            used += Append(message, imageTokens.Skip(used), ids, images);
        }

        ids.Add(3);
        return new Prompt("", ids, images);
    }

    public Prompt NextTurn(ChatMessage user, IReadOnlyList<int> imageTokens)
    {
        List<int> ids = [4];
        var images = new List<ImageRun>();
        Append(user, imageTokens, ids, images);
        ids.Add(3);
        return new Prompt("", ids, images);
    }

    private int Append(ChatMessage message, IEnumerable<int> imageTokens, List<int> ids, List<ImageRun> images)
    {
        var before = images.Count;
        ids.Add(2);
        foreach (var (_, tokens) in message.Parts.OfType<ChatPart.Image>().Zip(imageTokens))
        {
            images.Add(new ImageRun(ids.Count, tokens));
            ids.AddRange(Enumerable.Repeat(FakeModel.Placeholder, tokens));
        }

        foreach (var text in message.Parts.OfType<ChatPart.Text>())
        {
            ids.AddRange(tokenizer.EncodePlain(text.Value, TextPosition.AfterSpecial));
        }

        return images.Count - before;
    }
}
