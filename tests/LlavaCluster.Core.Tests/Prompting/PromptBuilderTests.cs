using LlavaCluster.Core.Prompting;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

public sealed class PromptBuilderTests
{
    private static readonly PromptBuilder Builder = GoldenCase.Builder("vicuna");

    public static TheoryData<string, string> BadConversations => new()
    {
        { "", "A conversation ends with a user's message; there is none." },
        { "s", "A conversation ends with a user's message; the last of 1 is the system's." },
        { "ua", "A conversation ends with a user's message; the last of 2 is the assistant's." },
        { "au", "Message 1 is the assistant's where the user's is due; user and assistant speak in turn." },
        { "suu", "Message 3 is the user's where the assistant's is due; user and assistant speak in turn." },
        { "usu", "Message 2 is the system's; only the first may be." },
        { "ssu", "Message 2 is the system's; only the first may be." },
        { "U", "Message 1 is empty; the user must say or show something." },
        { "Su", "Message 1 is empty; the system must say or show something." },
        { "uiu", "Message 2 has an image; only the user's messages may." },
    };

    [Theory]
    [MemberData(nameof(BadConversations))]
    public void Conversation_MessagesOutOfOrder_AreRefusedInWords(string letters, string expected)
    {
        var messages = letters.Select(Message).ToList();
        var images = messages.Sum(m => m.Parts.Count(p => p is ChatPart.Image));

        var error = Assert.Throws<ArgumentException>(() => Builder.Conversation(messages, [.. Enumerable.Repeat(4, images)]));
        Assert.StartsWith(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Conversation_OtherNumberOfImages_IsRefusedInWords()
    {
        var two = new ChatMessage(ChatRole.User, [new ChatPart.Image(), new ChatPart.Image()]);

        Assert.StartsWith(
            "The messages have 2 image parts and 1 images came with them.",
            Assert.Throws<ArgumentException>(() => Builder.Conversation([two], [5])).Message,
            StringComparison.Ordinal);
        Assert.StartsWith(
            "The messages have 2 image parts and 3 images came with them.",
            Assert.Throws<ArgumentException>(() => Builder.NextTurn(two, [5, 5, 5])).Message,
            StringComparison.Ordinal);
        Assert.StartsWith(
            "An image has at least one token, not 0.",
            Assert.Throws<ArgumentException>(() => Builder.NextTurn(two, [5, 0])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void NextTurn_NotTheUsersMessage_IsRefusedInWords() => Assert.StartsWith(
        "A turn begins with a user's message; this one is the assistant's.",
        Assert.Throws<ArgumentException>(() => Builder.NextTurn(ChatMessage.Of(ChatRole.Assistant, "a"), [])).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Conversation_AnImageWithoutWords_IsEnough()
    {
        var prompt = Builder.Conversation([new ChatMessage(ChatRole.User, [new ChatPart.Image()])], [7]);

        Assert.Equal("USER: <image>\nASSISTANT:", prompt.Text);
        Assert.Equal(7, Assert.Single(prompt.Images).Length);
    }

    /// <summary>The picture's mark may have another id in the tokenizer than the config's placeholder; the placeholder stands.</summary>
    [Fact]
    public void Conversation_Placeholders_AreTheConfigsId()
    {
        var prompt = Builder.Conversation([new ChatMessage(ChatRole.User, [new ChatPart.Image(), new ChatPart.Text("<image>")])], [3]);

        Assert.Equal(3, prompt.TokenIds.Count(id => id == GoldenCase.ImageId));
        Assert.DoesNotContain(TokenizerTable.Load("vicuna").FindSpecial("<image>")!.Value, prompt.TokenIds);
        Assert.Equal("USER: <image>\n<image> ASSISTANT:", prompt.Text);
    }

    private static ChatMessage Message(char letter) => letter switch
    {
        's' => ChatMessage.Of(ChatRole.System, "x"),
        'S' => ChatMessage.Of(ChatRole.System, ""),
        'u' => ChatMessage.Of(ChatRole.User, "x"),
        'U' => new ChatMessage(ChatRole.User, [new ChatPart.Text(""), new ChatPart.Text("")]),
        'a' => ChatMessage.Of(ChatRole.Assistant, "x"),
        _ => new ChatMessage(ChatRole.Assistant, [new ChatPart.Image()]),
    };
}
