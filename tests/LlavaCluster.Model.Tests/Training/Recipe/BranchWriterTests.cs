using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Training.Questions;
using LlavaCluster.Training.Recipe.Answers;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Recipe;

/// <summary>What is learned from is what serving will ask: the same tokens in the same order.</summary>
public sealed class BranchWriterTests : IDisposable
{
    private const int End = 2;
    private const int Grid = 40;

    private readonly TinyRuns _runs = new();
    private readonly ITokenizer _tokenizer;
    private readonly PromptBuilder _prompts;
    private readonly BranchWriter _writer;

    public BranchWriterTests()
    {
        var files = _runs.Files("run");
        var config = LlavaConfigReader.Read(files);
        _tokenizer = TokenizerFiles.Load(files);
        _prompts = new PromptBuilder(_tokenizer, ChatTemplate.Choose(files, config, _tokenizer), config.ImageTokenId);
        _writer = new BranchWriter(_tokenizer, _prompts, config.EosIds[0]);
        Assert.Equal("vicuna-hf", _prompts.Template.Name);
        Assert.Equal(End, config.EosIds[0]);
    }

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Write_OneTurn_IsTheServedPromptAndTheAnswer(int pictures)
    {
        int[] tokens = [.. Enumerable.Repeat(Grid, pictures)];
        var (prefix, runs) = _writer.Prefix(tokens);
        var branch = _writer.Write(Dialogue(("What colour is the circle?", "Red.")), tokens);
        var served = Served(tokens, "What colour is the circle?");

        int[] all = [.. prefix, .. branch.Ids];
        Assert.Equal(served, all[..served.Count]);
        Assert.Equal(" Red.", _tokenizer.Decode(all[served.Count..], skipSpecial: false).PadLeft(5));
        Assert.Equal(pictures, runs.Count);
        Assert.All(runs, run => Assert.Equal(Grid, run.Length));
    }

    [Fact]
    public void Write_TwoTurns_IsWhatServingAppendsToTheAnswer()
    {
        var (prefix, _) = _writer.Prefix([Grid]);
        var branch = _writer.Write(Dialogue(("How many?", "Two."), ("And the text?", "AB12")), [Grid]);

        List<int> served = [.. Served([Grid], "How many?"), .. _tokenizer.EncodePlain(" Two.", TextPosition.Continuation)];
        served.AddRange(_prompts.NextTurn(ChatMessage.Of(ChatRole.User, "And the text?"), []).TokenIds);
        served.AddRange(_tokenizer.EncodePlain(" AB12", TextPosition.Continuation));
        Assert.Equal(served, [.. prefix, .. branch.Ids]);

        // The same conversation sent as a whole.
        var whole = _prompts.Conversation(
            [
                new ChatMessage(ChatRole.User, [new ChatPart.Image(), new ChatPart.Text("How many?")]),
                ChatMessage.Of(ChatRole.Assistant, "Two."),
                ChatMessage.Of(ChatRole.User, "And the text?"),
            ],
            [Grid]);
        Assert.Equal(whole.TokenIds, served.Take(whole.TokenIds.Count));
    }

    [Fact]
    public void Write_Targets_AreAnswersAndTheirEndsAndNothingElse()
    {
        var branch = _writer.Write(Dialogue(("How many?", "Two."), ("And the text?", "AB12")), [Grid]);

        Assert.Equal(branch.Ids.Length, branch.Targets.Length);
        var told = branch.Targets.Where(target => target >= 0).ToArray();
        int[] answers =
        [
            .. _tokenizer.EncodePlain(" Two.", TextPosition.Continuation), End,
            .. _tokenizer.EncodePlain(" AB12", TextPosition.Continuation), End,
        ];
        Assert.Equal(answers, told);
        Assert.Equal(End, branch.Targets[^1]);
        foreach (var answer in branch.Answers)
        {
            Assert.All(branch.Targets.Skip(answer.First).Take(answer.Length), target => Assert.True(target >= 0));
            for (var i = 0; i + 1 < answer.Length; i++)
            {
                // What is told is what is read next.
                Assert.Equal(branch.Ids[answer.First + i + 1], branch.Targets[answer.First + i]);
            }
        }
    }

    [Fact]
    public void TellAll_EveryTokenButTheFirst_IsTold()
    {
        var branch = _writer.Write(Dialogue(("How many?", "Two.")), []);
        var all = BranchWriter.TellAll(branch);
        Assert.Equal([.. branch.Ids.Skip(1), End], all.Targets);
    }

    private List<int> Served(IReadOnlyList<int> imageTokens, string question)
    {
        ChatPart[] parts = [.. imageTokens.Select(_ => new ChatPart.Image()), new ChatPart.Text(question)];
        return [.. _prompts.Conversation([new ChatMessage(ChatRole.User, parts)], imageTokens).TokenIds];
    }

    private static Dialogue Dialogue(params (string Question, string Answer)[] turns) =>
        new(DialogueLanguage.English, [.. turns.Select(turn => new Exchange(QuestionForm.Colour, turn.Question, turn.Answer))]);
}
