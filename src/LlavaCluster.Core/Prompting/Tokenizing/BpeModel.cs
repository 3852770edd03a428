using System.Text;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// Byte-pair encoding over a fixed vocabulary: the same ids as the tokenizers library's BPE and as SentencePiece's, which differ only
/// in where their merge ranks come from. O(n log n) whatever the text. Immutable.
/// </summary>
internal sealed class BpeModel
{
    private readonly MergeTable _merges;
    private readonly Dictionary<int, int> _symbols;
    private readonly int[] _ascii = new int[128];
    private readonly int[]? _byteIds;
    private readonly int _unknownId;
    private readonly bool _fuseUnknown;

    /// <param name="symbols">Id of each character that has one, by code point.</param>
    /// <param name="merges">The merges.</param>
    /// <param name="byteIds">256 ids of byte tokens, −1 where one is missing; null without byte fallback.</param>
    /// <param name="unknownId">Id for a character that nothing else can express; −1: it is left out.</param>
    /// <param name="fuseUnknown">A run of such characters is one id.</param>
    public BpeModel(Dictionary<int, int> symbols, MergeTable merges, int[]? byteIds, int unknownId, bool fuseUnknown)
    {
        (_symbols, _merges, _byteIds, _unknownId, _fuseUnknown) = (symbols, merges, byteIds, unknownId, fuseUnknown);
        for (var c = 0; c < _ascii.Length; c++)
        {
            _ascii[c] = symbols.TryGetValue(c, out var id) ? id : ~c;
        }
    }

    /// <summary>Appends the ids of a text that stands for itself. An unpaired surrogate counts as U+FFFD.</summary>
    public void Encode(ReadOnlySpan<char> text, List<int> ids)
    {
        using var word = new BpeWord();
        var (last, unknownBefore) = (-1, false);
        foreach (var rune in text.EnumerateRunes())
        {
            if (last >= 0 && !_merges.MayJoin(last, rune.Value))
            {
                Emit(word, ids, ref unknownBefore);
            }

            last = rune.Value;
            word.Add(last < _ascii.Length ? _ascii[last] : _symbols.TryGetValue(last, out var id) ? id : ~last);
        }

        Emit(word, ids, ref unknownBefore);
    }

    private void Emit(BpeWord word, List<int> ids, ref bool unknownBefore)
    {
        foreach (var symbol in word.Merge(_merges))
        {
            if (symbol >= 0)
            {
                ids.Add(symbol);
                unknownBefore = false;
            }
            else if (!TryEmitBytes(~symbol, ids))
            {
                if (_unknownId >= 0 && !(unknownBefore && _fuseUnknown))
                {
                    ids.Add(_unknownId);
                }

                unknownBefore = true;
            }
            else
            {
                unknownBefore = false;
            }
        }

        word.Clear();
    }

    private bool TryEmitBytes(int codePoint, List<int> ids)
    {
        if (_byteIds is null)
        {
            return false;
        }

        Span<byte> utf8 = stackalloc byte[4];
        utf8 = utf8[..new Rune(codePoint).EncodeToUtf8(utf8)];
        foreach (var b in utf8)
        {
            if (_byteIds[b] < 0)
            {
                return false;
            }
        }

        foreach (var b in utf8)
        {
            ids.Add(_byteIds[b]);
        }

        return true;
    }
}
