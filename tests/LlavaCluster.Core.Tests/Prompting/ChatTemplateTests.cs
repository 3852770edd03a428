using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

public sealed class ChatTemplateTests
{
    private const string Human = "A chat between a curious human and an artificial intelligence assistant. "
        + "The assistant gives helpful, detailed, and polite answers to the human's questions.";

    private static readonly ITokenizer Tokenizer = TokenizerTable.Load("yi");

    [Theory]
    [InlineData("vicuna-hf", "USER: <image>\nQ1 ASSISTANT: a1 USER: Q2 ASSISTANT:")]
    [InlineData("mistral-hf", "[INST] <image>\nQ1 [/INST] a1</s> [INST] Q2 [/INST]")]
    [InlineData("chatml-hf", "<|im_start|>user\n<image>\nQ1<|im_end|>\n<|im_start|>assistant\na1<|im_end|>\n<|im_start|>user\nQ2<|im_end|>\n<|im_start|>assistant\n")]
    [InlineData("llava_v1", Human + " USER: <image>\nQ1 ASSISTANT: a1</s>USER: Q2 ASSISTANT:")]
    [InlineData("mistral_instruct", "[INST] <image>\nQ1 [/INST] a1 </s>[INST] Q2 [/INST]")]
    [InlineData("chatml_direct", "<|im_start|>system\nAnswer the questions.<|im_end|><|im_start|>user\n<image>\nQ1<|im_end|><|im_start|>assistant\na1<|im_end|><|im_start|>user\nQ2<|im_end|><|im_start|>assistant\n")]
    public void Conversation_TwoTurns_IsTheReferencesText(string name, string expected)
    {
        var messages = new[] { User("Q1", images: 1), ChatMessage.Of(ChatRole.Assistant, "a1"), User("Q2") };
        var builder = Builder(name);

        Assert.Equal(expected, builder.Conversation(messages, [3]).Text);
        Assert.EndsWith(builder.NextTurn(User("Q2"), []).Text, expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vicuna-hf", "S USER: Q ASSISTANT:")]
    [InlineData("mistral-hf", "<<SYS>>\nS\n<</SYS>>\n\n[INST] Q [/INST]")]
    [InlineData("chatml-hf", "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n")]
    [InlineData("vicuna-original", "S USER: Q ASSISTANT:")]
    [InlineData("mistral-original", "[INST] <<SYS>>\nS\n<</SYS>>\n\nQ [/INST]")]
    [InlineData("chatml-original", "<|im_start|>system\nS<|im_end|><|im_start|>user\nQ<|im_end|><|im_start|>assistant\n")]
    public void Conversation_SystemMessage_TakesThePlaceOfTheDefault(string name, string expected) =>
        Assert.Equal(expected, Builder(name).Conversation([ChatMessage.Of(ChatRole.System, "S"), User("Q")], []).Text);

    [Fact]
    public void Conversation_VicunaV1_SpeaksOfAUser() =>
        Assert.Equal(Human.Replace("human", "user", StringComparison.Ordinal) + " USER: Q ASSISTANT:", Builder("vicuna_v1").Conversation([User("Q")], []).Text);

    [Fact]
    public void Conversation_ImagesAmongTexts_ComeFirst()
    {
        var message = new ChatMessage(ChatRole.User, [new ChatPart.Text("a"), new ChatPart.Image(), new ChatPart.Text("b"), new ChatPart.Image()]);

        var prompt = Builder("chatml-hf").Conversation([message], [2, 3]);

        Assert.Equal("<|im_start|>user\n<image>\n<image>\nab<|im_end|>\n<|im_start|>assistant\n", prompt.Text);
        Assert.Equal([2, 3], prompt.Images.Select(r => r.Length));
    }

    /// <summary>The original leaves the end of an empty message out; the published templates do not.</summary>
    [Theory]
    [InlineData("vicuna-hf", "USER: Q1 ASSISTANT:  USER: Q2 ASSISTANT:")]
    [InlineData("vicuna-original", Human + " USER: Q1 ASSISTANT:USER: Q2 ASSISTANT:")]
    [InlineData("mistral-original", "[INST] Q1 [/INST][INST] Q2 [/INST]")]
    public void Conversation_EmptyAnswer_IsRenderedAsTheReferenceDoes(string name, string expected) =>
        Assert.Equal(expected, Builder(name).Conversation([User("Q1"), ChatMessage.Of(ChatRole.Assistant, ""), User("Q2")], []).Text);

    [Fact]
    public void Parse_UnknownName_ListsTheNames()
    {
        var error = Assert.Throws<ArgumentException>(() => ChatTemplate.Parse("llama-3"));

        Assert.StartsWith(
            "No chat template is called \"llama-3\". There are vicuna-hf, mistral-hf, chatml-hf, vicuna-original, mistral-original, "
            + "chatml-original, vicuna_v1, llava_v1, mistral_instruct, chatml_direct, mistral_direct.",
            error.Message,
            StringComparison.Ordinal);
        Assert.All(ChatTemplate.Names, name => Assert.NotNull(ChatTemplate.Parse(name)));
    }

    [Theory]
    [InlineData("chat_template.jinja", "{{ '[INST] ' }}", "mistral-hf")]
    [InlineData("chat_template.json", """{"chat_template": "<|im_start|>"}""", "chatml-hf")]
    [InlineData("chat_template.json", """{"chat_template": "{{ message['role'].upper() }}"}""", "vicuna-hf")]
    [InlineData("processor_config.json", """{"chat_template": "USER: "}""", "vicuna-hf")]
    [InlineData("tokenizer_config.json", """{"chat_template": [{"name": "tool", "template": "[INST]"}, {"name": "default", "template": "USER"}]}""", "vicuna-hf")]
    public void Choose_PublishedTemplate_DecidesTheFamily(string file, string text, string expected)
    {
        using var folder = new TokenizerFolder().Write(file, text);

        Assert.Equal(expected, ChatTemplate.Choose(folder.Path, TestConfig.With(CheckpointLayout.HuggingFace, "mistral", 2000), Tokenizer).Name);
    }

    [Theory]
    [InlineData(CheckpointLayout.HuggingFace, "mistral", "vicuna", 32064, "mistral-hf")]
    [InlineData(CheckpointLayout.HuggingFace, "llama", "vicuna", 32064, "vicuna-hf")]
    [InlineData(CheckpointLayout.HuggingFace, "llama", "yi", 2112, "chatml-hf")]
    [InlineData(CheckpointLayout.Original, "mistral", "mistral", 32000, "mistral-original")]
    [InlineData(CheckpointLayout.Original, "llama", "vicuna", 32000, "vicuna-original")]
    [InlineData(CheckpointLayout.Original, "llama", "vicuna", 64000, "chatml-original")]
    [InlineData(CheckpointLayout.Original, "llama", "yi", 2048, "chatml-original")]
    public void Choose_NoPublishedTemplate_GoesByModelAndTokens(
        CheckpointLayout layout, string modelType, string tokenizer, int vocabulary, string expected)
    {
        using var folder = new TokenizerFolder();

        Assert.Equal(expected, ChatTemplate.Choose(folder.Path, TestConfig.With(layout, modelType, vocabulary), TokenizerTable.Load(tokenizer)).Name);
    }

    [Fact]
    public void Choose_TemplateOfNoKnownFamily_IsRefused()
    {
        using var folder = new TokenizerFolder().Write("chat_template.jinja", "<|start_header_id|>");

        var error = Assert.Throws<BadCheckpointException>(
            () => ChatTemplate.Choose(folder.Path, TestConfig.With(CheckpointLayout.HuggingFace, "llama", 2000), Tokenizer));
        Assert.StartsWith(
            $"{folder.Path} has a chat template of no known family: it has none of [INST], <|im_start|>, USER. Name the template to use instead: vicuna-hf, ",
            error.Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vicuna", "vicuna-hf")]
    [InlineData("mistral", "mistral-hf")]
    [InlineData("yi", "chatml-hf")]
    [InlineData("llava15", "vicuna-hf")]
    [InlineData("vicuna-original", "vicuna-original")]
    [InlineData("mistral-original", "mistral-original")]
    public void Choose_GoldenCheckpoints_HaveTheirTemplate(string checkpoint, string expected)
    {
        var folder = GoldenFolder.Of("checkpoints", checkpoint);

        Assert.Equal(expected, ChatTemplate.Choose(folder, TestConfig.Of(checkpoint), TokenizerFiles.Load(folder)).Name);
    }

    private static ChatMessage User(string text, int images = 0) =>
        new(ChatRole.User, [.. Enumerable.Repeat<ChatPart>(new ChatPart.Image(), images), new ChatPart.Text(text)]);

    private static PromptBuilder Builder(string name) => new(Tokenizer, ChatTemplate.Parse(name), GoldenCase.ImageId);
}
