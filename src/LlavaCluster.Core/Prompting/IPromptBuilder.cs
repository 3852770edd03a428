namespace LlavaCluster.Core.Prompting;

/// <summary>Messages to ids by the checkpoint's template and tokenizer. Immutable: any thread.</summary>
public interface IPromptBuilder
{
    /// <summary>A whole conversation, up to the point where the model is to answer.</summary>
    /// <param name="messages">An optional system message, then user and assistant in turn; the last is the user's.</param>
    /// <param name="imageTokens">Tokens of each picture, in the order of the image parts.</param>
    /// <exception cref="ArgumentException">Messages out of order, or another number of pictures than image parts.</exception>
    Prompt Conversation(IReadOnlyList<ChatMessage> messages, IReadOnlyList<int> imageTokens);

    /// <summary>
    /// What a new user message appends to a conversation that ends with an answer's ids (without an end-of-sequence id): the end
    /// of the answer's turn, the message, and the point where the model is to answer.
    /// </summary>
    /// <param name="user">The new message.</param>
    /// <param name="imageTokens">Tokens of each of its pictures.</param>
    Prompt NextTurn(ChatMessage user, IReadOnlyList<int> imageTokens);
}
