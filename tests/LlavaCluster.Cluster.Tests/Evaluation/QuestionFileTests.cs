using LlavaCluster.Cluster.Tests.Processes;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Silo.Commands;
using LlavaCluster.Silo.Evaluation;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Evaluation;

public sealed class QuestionFileTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_PictureOutsideOfTheMessages_StandsBeforeTheFirstText()
    {
        var question = Assert.Single(Read(
            """{"id": "a", "images": ["p300x200.png", "p13x700.png"], "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]}"""));

        var turn = Assert.Single(question.Turns);
        Assert.Equal([ChatRole.System, ChatRole.User], turn.Select(m => m.Role));
        Assert.Equal([new ChatPart.Image(), new ChatPart.Image(), new ChatPart.Text("Q")], turn[1].Parts);
        Assert.Equal([(300, 200), (13, 700)], question.Pictures.Select(p => (p.Width, p.Height)));
        Assert.Equal(ImageHash.Of(File.ReadAllBytes(SamplePictures.PathOf("p300x200.png"))), question.Pictures[0].Hash);
        Assert.Equal("\"a\"", question.Id.ToJsonString());
    }

    [Fact]
    public void Read_PicturesPlacedByParts_StayThere()
    {
        var question = Assert.Single(Read(
            """{"id": 7, "images": ["p2x2.png"], "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "image"}]}]}"""));

        var turn = Assert.Single(question.Turns);
        Assert.Equal([new ChatPart.Text("Hi")], turn[0].Parts);
        Assert.Equal([new ChatPart.Text("See"), new ChatPart.Image()], turn[2].Parts);
        Assert.Equal("7", question.Id.ToJsonString());
    }

    [Fact]
    public void Read_UnansweredMessages_AreTurnsOfTheirOwn()
    {
        var question = Assert.Single(Read(
            """{"id": "a", "messages": [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}, {"role": "user", "content": "3"}, {"role": "user", "content": "4"}, {"role": "user", "content": "5"}]}"""));

        Assert.Equal([3, 1, 1], question.Turns.Select(t => t.Count));
        Assert.Equal([new ChatPart.Text("5")], question.Turns[2][0].Parts);
    }

    [Fact]
    public void Read_EmptyLinesAmongQuestions_AreNothing()
    {
        const string One = """{"id": 1, "messages": [{"role": "user", "content": "Q"}]}""";
        Assert.Equal(2, Read("", One, "  ", One, "").Count);
    }

    [Theory]
    [InlineData("[1]", "is no JSON object.")]
    [InlineData("{\"messages\": []}", "'id' is missing; a text or a number is needed.")]
    [InlineData("{\"id\": [1], \"messages\": []}", "'id' is an array; a text or a number is needed.")]
    [InlineData("{\"id\": 1}", "'messages' is missing; an array of messages is needed.")]
    [InlineData("{\"id\": 1, \"messages\": []}", "'messages' is empty; an array of messages is needed.")]
    [InlineData("{\"id\": 1, \"messages\": [3]}", "a message is a number; an object is needed.")]
    [InlineData("{\"id\": 1, \"messages\": [{\"role\": \"user\"}]}", "a message's 'content' is missing; a text or an array of parts is needed.")]
    [InlineData("{\"id\": 1, \"messages\": [{\"role\": \"cook\", \"content\": \"\"}]}", "role 'cook' is unknown; system, user and assistant are known.")]
    [InlineData(
        "{\"id\": 1, \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"video\"}]}]}",
        "a part of type 'video' is unknown; image and text are known.")]
    [InlineData("{\"id\": 1, \"images\": \"a.png\", \"messages\": [{\"role\": \"user\", \"content\": \"Q\"}]}", "'images' is a text; an array of file names is needed.")]
    [InlineData(
        "{\"id\": 1, \"images\": [\"p2x2.png\", \"p2x2.png\"], \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"}]}]}",
        "the messages have 1 image parts, and 'images' names 2.")]
    [InlineData(
        "{\"id\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"1\"}, {\"role\": \"user\", \"content\": \"2\"}, {\"role\": \"assistant\", \"content\": \"3\"}]}",
        "message 3 is no user's, and message 1 before it is still to be answered; answers may be given to the first messages only.")]
    public void Read_WrongLine_NamesFileLineAndMistake(string line, string mistake)
    {
        const string Good = """{"id": 1, "messages": [{"role": "user", "content": "Q"}]}""";
        Assert.Equal($"{_folder.Of("q.jsonl")}, line 3: {mistake}", Refusal(Good, "", line));
    }

    [Fact]
    public void Read_NotJson_SaysWhere() =>
        Assert.StartsWith($"{_folder.Of("q.jsonl")}, line 1: is not JSON: ", Refusal("{\"id\": }"));

    [Fact]
    public void Read_MissingPicture_NamesItsPath()
    {
        Assert.Equal(
            $"{_folder.Of("q.jsonl")}, line 1: there is no picture '{GoldenFolder.Of("pictures", "nowhere.png")}'.",
            Refusal("""{"id": 1, "images": ["nowhere.png"], "messages": [{"role": "user", "content": "Q"}]}"""));
    }

    [Fact]
    public void Read_PictureThatIsNone_NamesItsPath()
    {
        var picture = _folder.Write("note.png", "Hello world"u8.ToArray());
        Assert.Equal(
            $"{_folder.Of("q.jsonl")}, line 1: picture '{picture}': Not an image: the file begins with 48656C6C6F20776F (\"Hello wo\"); "
            + "send PNG, JPEG, WebP, GIF or BMP.",
            Refusal($$"""{"id": 1, "images": ["{{picture}}"], "messages": [{"role": "user", "content": "Q"}]}"""));
    }

    [Fact]
    public void Read_ManyWrongLines_TellsTheFirstTen()
    {
        var told = Refusal([.. Enumerable.Repeat("[]", 13)]).Split(Environment.NewLine);

        Assert.Equal(11, told.Length);
        Assert.Equal($"{_folder.Of("q.jsonl")}, line 10: is no JSON object.", told[9]);
        Assert.Equal("3 more lines are wrong.", told[10]);
    }

    [Fact]
    public void Read_NoQuestion_IsRefused() =>
        Assert.Equal($"{_folder.Of("q.jsonl")}: there is no question in it; one JSON object per line is needed.", Refusal(""));

    private IReadOnlyList<Question> Read(params string[] lines)
    {
        File.WriteAllLines(_folder.Of("q.jsonl"), lines);
        return QuestionFile.Read(_folder.Of("q.jsonl"), GoldenFolder.Of("pictures"), new ImageLimits(), _ => { });
    }

    private string Refusal(params string[] lines) => Assert.Throws<UserErrorException>(() => Read(lines)).Message;
}
