using LlavaCluster.Core.Prompting;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

public sealed class PromptBuilderGoldenTests
{
    public static TheoryData<string> Checkpoints => GoldenCase.Checkpoints;

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Conversation_AllCases_EqualReference(string checkpoint)
    {
        var builder = GoldenCase.Builder(checkpoint);
        foreach (var c in GoldenCase.Read(checkpoint))
        {
            var prompt = builder.Conversation(c.Messages, c.ImageTokens);

            Assert.Equal(c.Prompt, prompt.Text);
            Assert.Equal(c.PromptTokens, prompt.TokenIds.Count);
            Assert.Equal(c.TextIds, GoldenCase.Collapse(prompt));
            Assert.Equal(c.ImageTokens, prompt.Images.Select(r => r.Length));
            Assert.All(prompt.Images, r => Assert.All(prompt.TokenIds.Skip(r.Offset).Take(r.Length), id => Assert.Equal(GoldenCase.ImageId, id)));
            Assert.Equal(c.Template ?? builder.Template.Name, c.Template is null ? builder.Template.Name : c.Template);
            Assert.Same(ChatTemplate.Parse(c.Template ?? builder.Template.Name), builder.Template);
        }
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void NextTurn_AfterTheAnswersIds_EqualsTheWholeConversation(string checkpoint)
    {
        var builder = GoldenCase.Builder(checkpoint);
        var cases = GoldenCase.Read(checkpoint).Where(c => c.Messages.Count == 3).ToList();
        Assert.NotEmpty(cases);
        foreach (var c in cases)
        {
            var images = c.Messages[0].Parts.Count(p => p is ChatPart.Image);
            var first = builder.Conversation([c.Messages[0]], [.. c.ImageTokens.Take(images)]);
            var whole = builder.Conversation(c.Messages, c.ImageTokens);
            var next = builder.NextTurn(c.Messages[2], [.. c.ImageTokens.Skip(images)]);

            // The ids of the answer are what lies between the first turn and the second.
            var answer = whole.TokenIds.Skip(first.TokenIds.Count).Take(whole.TokenIds.Count - first.TokenIds.Count - next.TokenIds.Count).ToList();
            Assert.Equal(whole.TokenIds, [.. first.TokenIds, .. answer, .. next.TokenIds]);
            Assert.EndsWith(next.Text, whole.Text, StringComparison.Ordinal);
            var tokenizer = TokenizerFiles.Load(GoldenFolder.Of("checkpoints", checkpoint));
            var said = ((ChatPart.Text)c.Messages[1].Parts[0]).Value;
            Assert.Equal(said, tokenizer.Decode(answer, skipSpecial: false).TrimStart());
            Assert.All(next.Images, r => Assert.Equal(GoldenCase.ImageId, next.TokenIds[r.Offset]));
        }
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void StreamDecoder_Answers_EqualTheReferencesText(string checkpoint)
    {
        var tokenizer = TokenizerFiles.Load(GoldenFolder.Of("checkpoints", checkpoint));
        foreach (var c in GoldenCase.Read(checkpoint))
        {
            var decoder = tokenizer.CreateStreamDecoder();
            var streamed = string.Concat(c.AnswerIds.Select(decoder.Push)) + decoder.Flush();

            Assert.Equal(c.AnswerText, tokenizer.Decode(c.AnswerIds, skipSpecial: true));
            Assert.Equal(c.AnswerText, streamed);
        }
    }
}
