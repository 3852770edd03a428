using System.Text;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>Joins rendered pieces to one text and tells which parts of it a template wrote.</summary>
internal static class RenderedRanges
{
    /// <summary>The text, and the ranges in it where special tokens may stand, ascending and apart.</summary>
    public static (string Text, List<(int Start, int End)> Ranges) Of(IReadOnlyList<RenderedPiece> pieces)
    {
        var text = new StringBuilder();
        var ranges = new List<(int Start, int End)>();
        foreach (var piece in pieces.Where(p => p.Text.Length > 0))
        {
            var start = text.Length;
            text.Append(piece.Text);
            if (piece.IsWords)
            {
                continue;
            }

            if (ranges.Count > 0 && ranges[^1].End == start)
            {
                ranges[^1] = (ranges[^1].Start, text.Length);
            }
            else
            {
                ranges.Add((start, text.Length));
            }
        }

        return (text.ToString(), ranges);
    }
}
