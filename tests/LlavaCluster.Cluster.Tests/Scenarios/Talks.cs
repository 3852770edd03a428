using LlavaCluster.Cluster.Tests.Processes;
using LlavaCluster.Protos;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// What the clients of a scene say: so many sessions of so many turns, greedy, every answer exactly so long. What is said follows from
/// the numbers of session and turn alone, so that one undisturbed run tells what must be answered in every scene.
/// </summary>
/// <param name="Sessions">Conversations at once.</param>
/// <param name="Turns">Turns of each.</param>
/// <param name="Tokens">Tokens of each answer.</param>
internal sealed record Talks(int Sessions, int Turns, int Tokens)
{
    /// <summary>The golden checkpoint's end of sequence: forbidden, so that answers are as long as they should be.</summary>
    private const int EndOfSequence = 2;

    /// <summary>With so many a machine of two cores answers at once.</summary>
    private const int LightSessions = 8, LightTurns = 8;

    /// <summary>Words of a long message: its prefill takes several steps.</summary>
    private const int LongWords = 200;

    private static readonly string[] Words =
        ["harbour", "lantern", "what", "is", "beside", "the", "green", "bridge", "and", "why", "how", "many", "birds", "sit", "on", "it"];

    private static readonly string[] Pictures =
        ["p13x700.png", "p801x37.png", "p37x801.png", "p161x184.png", "p336x336.png", "form-grey.png", "p2x2.png"];

    /// <summary>So few clients that none waits for the processor; they talk for longer, so that they still do when faults strike.</summary>
    public Talks Light => this with { Sessions = Math.Min(Sessions, LightSessions), Turns = Math.Max(Turns, LightTurns) };

    /// <summary>No two turns bring the same picture file; the pixels are those of the golden pictures all the same.</summary>
    public bool HasOwnPictures { get; init; }

    /// <summary>Whether a turn brings a picture: the first one of every other session, and the third one of every fourth.</summary>
    public static bool HasPicture(int session, int turn) =>
        (turn == 0 && session % 2 == 1) || (turn == 2 && session % 4 == 0);

    /// <summary>A turn's request; the session's id is the caller's to set.</summary>
    public ChatRequest Request(int session, int turn)
    {
        var random = new Random((session * 7919) + turn);
        var words = turn == 1 && session % 4 == 3 ? LongWords : random.Next(4, 24);
        var text = string.Join(' ', Enumerable.Range(0, words).Select(_ => Words[random.Next(Words.Length)]));
        var request = new ChatRequest
        {
            TurnId = $"turn-{turn}",
            MaxTokens = Tokens,
            Sampling = new SamplingOptions { LogitBias = { [EndOfSequence] = -100 } },
        };
        if (HasPicture(session, turn))
        {
            var picture = Pictures[random.Next(Pictures.Length)];
            request.Parts.Add(HasOwnPictures ? SamplePictures.Marked(picture, $"{session}/{turn}") : SamplePictures.Of(picture));
        }

        request.Parts.Add(new Part { Text = $"{text}?" });
        return request;
    }
}

/// <summary>What a turn was answered.</summary>
/// <param name="Tokens">Ids of all tokens.</param>
/// <param name="Text">Texts of all deltas.</param>
internal sealed record SpokenAnswer(IReadOnlyList<int> Tokens, string Text);
