namespace LlavaCluster.Core.Prompting;

/// <summary>Who speaks.</summary>
public enum ChatRole
{
    /// <summary>Instructions before the conversation.</summary>
    System,

    /// <summary>The user.</summary>
    User,

    /// <summary>The model.</summary>
    Assistant,
}

/// <summary>One message of a conversation.</summary>
/// <param name="Role">Who speaks.</param>
/// <param name="Parts">Texts and images in the order given. Templates put a message's images before its texts.</param>
public sealed record ChatMessage(ChatRole Role, IReadOnlyList<ChatPart> Parts)
{
    /// <summary>A message of one text.</summary>
    public static ChatMessage Of(ChatRole role, string text) => new(role, [new ChatPart.Text(text)]);
}

/// <summary>A part of a message.</summary>
public abstract record ChatPart
{
    private ChatPart()
    {
    }

    /// <summary>Words; never read as special tokens, whatever they look like.</summary>
    public sealed record Text(string Value) : ChatPart;

    /// <summary>The place of a picture; which one follows from the order of image parts over the conversation.</summary>
    public sealed record Image : ChatPart;
}
