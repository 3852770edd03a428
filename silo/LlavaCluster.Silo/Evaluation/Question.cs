using System.Text.Json.Nodes;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;

namespace LlavaCluster.Silo.Evaluation;

/// <summary>One question of an evaluation, or several about the same pictures, of which each follows the answer before it.</summary>
/// <param name="Id">What names it in the results.</param>
/// <param name="Turns">
/// What is said before each answer: the first turn may hold a conversation that was had before, the others hold one user's message.
/// </param>
/// <param name="Pictures">In the order of the image parts.</param>
internal sealed record Question(JsonNode Id, IReadOnlyList<IReadOnlyList<ChatMessage>> Turns, IReadOnlyList<QuestionPicture> Pictures)
{
    /// <summary>Splits a conversation at the user's messages that nobody answered yet.</summary>
    /// <exception cref="FormatException">An answer is given behind a message that is to be answered.</exception>
    public static IReadOnlyList<IReadOnlyList<ChatMessage>> Split(IReadOnlyList<ChatMessage> messages)
    {
        var first = 0;
        while (first < messages.Count - 1 && (messages[first].Role != ChatRole.User || messages[first + 1].Role == ChatRole.Assistant))
        {
            first++;
        }

        for (var i = first + 1; i < messages.Count; i++)
        {
            if (messages[i].Role != ChatRole.User)
            {
                throw new FormatException(
                    $"message {i + 1} is no user's, and message {first + 1} before it is still to be answered; "
                    + "answers may be given to the first messages only");
            }
        }

        return [[.. messages.Take(first + 1)], .. messages.Skip(first + 1).Select(m => (ChatMessage[])[m])];
    }
}

/// <summary>A picture of a question; its file is read when the question is asked.</summary>
/// <param name="Hash">Address of the file.</param>
/// <param name="Width">Pixels of a row of the upright picture.</param>
/// <param name="Height">Rows of the upright picture.</param>
/// <param name="Read">Gives the file.</param>
internal sealed record QuestionPicture(ImageHash Hash, int Width, int Height, Func<byte[]> Read)
{
    /// <summary>Of a file's bytes.</summary>
    /// <exception cref="BadImageException">Not an image, or past a limit.</exception>
    public static QuestionPicture Of(byte[] file, ImageLimits limits, Func<byte[]> read)
    {
        var info = ImageHeader.Read(file, limits);
        return new QuestionPicture(ImageHash.Of(file), info.Width, info.Height, read);
    }
}
