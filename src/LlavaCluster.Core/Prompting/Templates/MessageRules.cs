namespace LlavaCluster.Core.Prompting.Templates;

/// <summary>What a conversation must look like before it can be rendered.</summary>
internal static class MessageRules
{
    /// <summary>An optional system message, then user and assistant in turn, the user last.</summary>
    /// <exception cref="ArgumentException">It is otherwise.</exception>
    public static void CheckConversation(IReadOnlyList<ChatMessage> messages)
    {
        var first = messages.Count > 0 && messages[0].Role == ChatRole.System ? 1 : 0;
        for (var i = first; i < messages.Count; i++)
        {
            var expected = (i - first) % 2 == 0 ? ChatRole.User : ChatRole.Assistant;
            if (messages[i].Role == ChatRole.System)
            {
                throw new ArgumentException($"Message {i + 1} is the system's; only the first may be.", nameof(messages));
            }

            if (messages[i].Role != expected)
            {
                throw new ArgumentException(
                    $"Message {i + 1} is the {Name(messages[i].Role)}'s where the {Name(expected)}'s is due; user and assistant speak in turn.", nameof(messages));
            }
        }

        if (messages.Count == 0 || messages[^1].Role != ChatRole.User)
        {
            var last = messages.Count == 0 ? "there is none" : $"the last of {messages.Count} is the {Name(messages[^1].Role)}'s";
            throw new ArgumentException($"A conversation ends with a user's message; {last}.", nameof(messages));
        }

        for (var i = 0; i < messages.Count; i++)
        {
            CheckContent(messages[i], $"Message {i + 1}");
        }
    }

    /// <summary>A user's message with content.</summary>
    /// <exception cref="ArgumentException">It is otherwise.</exception>
    public static void CheckTurn(ChatMessage user)
    {
        if (user.Role != ChatRole.User)
        {
            throw new ArgumentException($"A turn begins with a user's message; this one is the {Name(user.Role)}'s.", nameof(user));
        }

        CheckContent(user, "The message");
    }

    /// <summary>Each image part has its number of tokens.</summary>
    /// <exception cref="ArgumentException">More or fewer numbers, or one below 1.</exception>
    public static void CheckImages(IReadOnlyList<ChatMessage> messages, IReadOnlyList<int> imageTokens)
    {
        var parts = messages.Sum(m => m.Parts.Count(p => p is ChatPart.Image));
        if (parts != imageTokens.Count)
        {
            throw new ArgumentException($"The messages have {parts} image parts and {imageTokens.Count} images came with them.", nameof(imageTokens));
        }

        if (imageTokens.Any(n => n < 1))
        {
            throw new ArgumentException($"An image has at least one token, not {imageTokens.First(n => n < 1)}.", nameof(imageTokens));
        }
    }

    private static void CheckContent(ChatMessage message, string which)
    {
        // An answer may be empty: the model may end at once.
        if (message.Role != ChatRole.Assistant && message.Parts.All(p => p is ChatPart.Text { Value.Length: 0 }))
        {
            throw new ArgumentException($"{which} is empty; the {Name(message.Role)} must say or show something.", nameof(message));
        }

        if (message.Role != ChatRole.User && message.Parts.Any(p => p is ChatPart.Image))
        {
            throw new ArgumentException($"{which} has an image; only the user's messages may.", nameof(message));
        }
    }

    private static string Name(ChatRole role) => role switch
    {
        ChatRole.System => "system",
        ChatRole.User => "user",
        _ => "assistant",
    };
}
