using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;

namespace LlavaCluster.Training.Recipe.Answers;

/// <summary>
/// Pictures and several dialogues about them as one row of tokens. The dialogues are branches that stand behind the pictures one after the
/// other, each with the positions that it would have alone, and none sees another:
/// <code>
/// token      U I I I I  a a a A A  b b B
/// position   0 1 2 3 4  5 6 7 8 9  5 6 7
///            └ prefix ┘ └branch 1┘ └ 2 ┘
/// </code>
/// </summary>
/// <param name="Prefix">Tokens that all dialogues begin with; may be empty.</param>
/// <param name="Runs">Where the pictures are in the prefix.</param>
/// <param name="Branches">The dialogues.</param>
/// <param name="Pictures">The pictures, cut into tiles; several lessons may share them.</param>
internal sealed record Lesson(
    int[] Prefix, IReadOnlyList<ImageRun> Runs, IReadOnlyList<Branch> Branches, IReadOnlyList<ImageTiles> Pictures)
{
    /// <summary>
    /// Rows are filled up to a multiple of this: matrix products of a new shape are compiled first, which takes longer than computing them.
    /// </summary>
    public const int Bucket = 32;

    /// <summary>Tokens of the row, without what fills it up.</summary>
    public int Tokens { get; } = Prefix.Length + Branches.Sum(branch => branch.Ids.Length);

    /// <summary>Length of the row.</summary>
    public int Length => (Tokens + Bucket - 1) / Bucket * Bucket;

    /// <summary>A row of nothing, which fills a batch up.</summary>
    /// <param name="length">Its length, a multiple of <see cref="Bucket"/>.</param>
    public static Lesson Filling(int length) =>
        new(new int[length], [], [], []);

    /// <summary>[length]: place of each token in its dialogue.</summary>
    public long[] Positions()
    {
        var positions = new long[Length];
        var at = 0;
        for (; at < Prefix.Length; at++)
        {
            positions[at] = at;
        }

        foreach (var branch in Branches)
        {
            for (var i = 0; i < branch.Ids.Length; i++, at++)
            {
                positions[at] = Prefix.Length + i;
            }
        }

        return positions;
    }

    /// <summary>[length, length], row by row: 1 where the token of the row may look at that of the column.</summary>
    public byte[] Mask()
    {
        var mask = new byte[Length * Length];
        for (var i = 0; i < Prefix.Length; i++)
        {
            mask.AsSpan(i * Length, i + 1).Fill(1);
        }

        var start = Prefix.Length;
        foreach (var branch in Branches)
        {
            for (var i = start; i < start + branch.Ids.Length; i++)
            {
                mask.AsSpan(i * Length, Prefix.Length).Fill(1);
                mask.AsSpan((i * Length) + start, i - start + 1).Fill(1);
            }

            start += branch.Ids.Length;
        }

        // What fills up looks at itself: at nothing at all would be no number.
        for (var i = start; i < Length; i++)
        {
            mask[(i * Length) + i] = 1;
        }

        return mask;
    }
}
