using System.Runtime.InteropServices;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>One rule of byte-pair encoding: two neighbouring symbols become one. Lower ranks go first.</summary>
internal readonly record struct Merge(int Rank, int Id);

/// <summary>
/// The merges of a model. A symbol is a token's id, or <c>~code point</c> for a character without one. The table also knows between
/// which characters no merge can ever reach: there a text falls into words that are encoded one by one with the same result.
/// </summary>
internal sealed class MergeTable
{
    private const int Ascii = 128;

    private readonly Dictionary<ulong, Merge> _merges;
    private readonly HashSet<ulong> _joins = [];
    private readonly bool[] _asciiJoins = new bool[Ascii * Ascii];

    public MergeTable(int capacity) => _merges = new(capacity);

    /// <summary>Adds a rule; a later rule for the same pair replaces the earlier.</summary>
    /// <param name="left">Left symbol.</param>
    /// <param name="right">Right symbol.</param>
    /// <param name="lastOfLeft">Code point that the left symbol's text ends with.</param>
    /// <param name="firstOfRight">Code point that the right symbol's text begins with.</param>
    /// <param name="merge">Its rank and result.</param>
    public void Add(int left, int right, int lastOfLeft, int firstOfRight, Merge merge)
    {
        _merges[Key(left, right)] = merge;
        if (lastOfLeft < Ascii && firstOfRight < Ascii)
        {
            _asciiJoins[(lastOfLeft * Ascii) + firstOfRight] = true;
        }
        else
        {
            _joins.Add(Key(lastOfLeft, firstOfRight));
        }
    }

    /// <summary>The rule for a pair; its rank is <see cref="int.MaxValue"/> when there is none.</summary>
    public Merge Find(int left, int right)
    {
        ref readonly var merge = ref CollectionsMarshal.GetValueRefOrNullRef(_merges, Key(left, right));
        return System.Runtime.CompilerServices.Unsafe.IsNullRef(in merge) ? new Merge(int.MaxValue, -1) : merge;
    }

    /// <summary>False when no symbol can ever reach over the place between these two characters.</summary>
    public bool MayJoin(int last, int first) => last < Ascii && first < Ascii
        ? _asciiJoins[(last * Ascii) + first]
        : _joins.Contains(Key(last, first));

    /// <summary>The pair as one number; the odd factor spreads neighbouring ids over the hash.</summary>
    private static ulong Key(int left, int right) => (((ulong)(uint)left << 32) | (uint)right) * 0x9E3779B97F4A7C15;
}
