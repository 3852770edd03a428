namespace LlavaCluster.Training.Suites;

/// <summary>How many questions of each row were answered right, and what follows from it.</summary>
public sealed class SuiteTally
{
    /// <summary>Row of conversations of two or three turns.</summary>
    public const string TwoTurns = "two turns";

    /// <summary>Row of questions about two pictures.</summary>
    public const string TwoPictures = "two pictures";

    /// <summary>Row of texts that can be read in the base tile.</summary>
    public const string TextOfBaseTile = "text, readable in the base tile";

    /// <summary>Row of texts that can be read in the tiles alone.</summary>
    public const string TextOfTiles = "text, readable in tiles only";

    /// <summary>Rows of one question with a short answer: what two turns and two pictures are held against.</summary>
    private static readonly string[] Single = ["shape", "colour", "count", "presence", "place", "relation"];

    private readonly Dictionary<string, SuiteRow> _rows = [];

    /// <summary>The rows, in the order of their first questions.</summary>
    public IReadOnlyCollection<SuiteRow> Rows => _rows.Values;

    /// <summary>Mean accuracy of single questions with short answers; null before any is counted.</summary>
    public double? SingleTurn => Mean(Single);

    /// <summary>Counts a question.</summary>
    public void Add(string row, bool right)
    {
        var before = _rows.GetValueOrDefault(row) ?? new SuiteRow(row, 0, 0);
        _rows[row] = before with { Asked = before.Asked + 1, Right = before.Right + (right ? 1 : 0) };
    }

    /// <summary>Accuracy of a row as a share of <see cref="SingleTurn"/>; null where either is missing.</summary>
    public double? OfSingleTurn(string row) => SingleTurn is > 0 and var single && _rows.TryGetValue(row, out var found) ? found.Accuracy / single : null;

    private double? Mean(IEnumerable<string> names)
    {
        var rows = names.Where(_rows.ContainsKey).Select(name => _rows[name].Accuracy).ToArray();
        return rows.Length > 0 ? rows.Average() : null;
    }
}

/// <summary>One row.</summary>
/// <param name="Name">What was asked.</param>
/// <param name="Asked">Questions.</param>
/// <param name="Right">Of them answered right.</param>
public sealed record SuiteRow(string Name, int Asked, int Right)
{
    /// <summary>Share of right answers.</summary>
    public double Accuracy => (double)Right / Asked;
}
