using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Silo.Commands;
using LlavaCluster.Silo.Inspection;

namespace LlavaCluster.Silo.Evaluation;

/// <summary>
/// A file of questions: on each line <c>{"id", "images": ["a.png", …], "messages": [{"role", "content"}, …]}</c>. Pictures stand before
/// the text of the first user's message, unless image parts place them.
/// </summary>
internal static class QuestionFile
{
    private const int MostMistakes = 10;

    /// <summary>Reads and checks all lines, and the headers of all pictures.</summary>
    /// <param name="file">The file.</param>
    /// <param name="pictures">Folder of the pictures.</param>
    /// <param name="limits">What a picture may measure.</param>
    /// <param name="check">What else may be wrong with a question: throws <see cref="ArgumentException"/>.</param>
    /// <exception cref="UserErrorException">One line for each of the first mistakes: file, line, what is wrong.</exception>
    public static IReadOnlyList<Question> Read(string file, string pictures, ImageLimits limits, Action<Question> check)
    {
        if (!File.Exists(file))
        {
            throw new UserErrorException($"There is no file '{file}'.");
        }

        var known = new Dictionary<string, QuestionPicture>();
        var questions = new List<Question>();
        var mistakes = new List<string>();
        foreach (var (number, line) in File.ReadLines(file).Index().Where(l => !string.IsNullOrWhiteSpace(l.Item)))
        {
            try
            {
                var question = ReadLine(line, name => PictureOf(name, pictures, limits, known));
                check(question);
                questions.Add(question);
            }
            catch (Exception error) when (error is JsonException or FormatException or ArgumentException or BadImageException)
            {
                mistakes.Add($"{file}, line {number + 1}: {Sentence(error)}");
            }
        }

        if (mistakes.Count > MostMistakes)
        {
            mistakes = [.. mistakes.Take(MostMistakes), $"{mistakes.Count - MostMistakes} more lines are wrong."];
        }

        return mistakes.Count > 0 ? throw new UserErrorException(string.Join(Environment.NewLine, mistakes))
            : questions.Count > 0 ? questions
            : throw new UserErrorException($"{file}: there is no question in it; one JSON object per line is needed.");
    }

    private static Question ReadLine(string line, Func<string, QuestionPicture> pictureOf)
    {
        var node = JsonNode.Parse(line) as JsonObject ?? throw new FormatException("is no JSON object");
        var id = node["id"] is JsonValue value ? value.DeepClone() : throw new FormatException($"'id' is {MessageJson.Kind(node["id"])}; a text or a number is needed");
        var messages = node["messages"] is JsonArray { Count: > 0 } list
            ? list.Select(MessageJson.Read).ToArray()
            : throw new FormatException($"'messages' is {(node["messages"] is JsonArray ? "empty" : MessageJson.Kind(node["messages"]))}; an array of messages is needed");
        var images = node["images"] switch
        {
            null => [],
            JsonArray names => names.Select(n => n is JsonValue v && v.GetValueKind() == JsonValueKind.String
                ? v.GetValue<string>()
                : throw new FormatException($"a name in 'images' is {MessageJson.Kind(n)}; a text is needed")).ToArray(),
            var other => throw new FormatException($"'images' is {MessageJson.Kind(other)}; an array of file names is needed"),
        };
        return new Question(id, Question.Split(Place(messages, images.Length)), [.. images.Select(pictureOf)]);
    }

    private static IReadOnlyList<ChatMessage> Place(ChatMessage[] messages, int images)
    {
        var parts = messages.Sum(m => m.Parts.Count(p => p is ChatPart.Image));
        if (parts == images)
        {
            return messages;
        }

        var first = Array.FindIndex(messages, m => m.Role == ChatRole.User);
        if (parts > 0 || first < 0)
        {
            throw new FormatException($"the messages have {parts} image parts, and 'images' names {images}");
        }

        messages[first] = messages[first] with { Parts = [.. Enumerable.Repeat(new ChatPart.Image(), images), .. messages[first].Parts] };
        return messages;
    }

    private static QuestionPicture PictureOf(string name, string folder, ImageLimits limits, Dictionary<string, QuestionPicture> known)
    {
        if (known.TryGetValue(name, out var picture))
        {
            return picture;
        }

        var path = Path.Combine(folder, name);
        if (!File.Exists(path))
        {
            throw new FormatException($"there is no picture '{path}'");
        }

        try
        {
            picture = QuestionPicture.Of(File.ReadAllBytes(path), limits, () => File.ReadAllBytes(path));
        }
        catch (BadImageException error)
        {
            throw new FormatException($"picture '{path}': {error.Message}", error);
        }

        known.Add(name, picture);
        return picture;
    }

    private static string Sentence(Exception error) => error switch
    {
        JsonException => $"is not JSON: {error.Message}",
        ArgumentException => error.Message.Split(" (Parameter", 2)[0],
        _ => error.Message.EndsWith('.') ? error.Message : error.Message + ".",
    };
}
