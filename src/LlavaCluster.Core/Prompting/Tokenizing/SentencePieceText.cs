using System.Text;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// Ids to text as transformers' slow LlamaTokenizer does: added tokens without a role, and additional ones past the model, stand
/// between stretches that are joined with spaces; in each stretch a leading mark is taken off and SentencePiece decodes what lies
/// between tokens with a role.
/// </summary>
internal sealed class SentencePieceText(SentencePieceModel model, TokenizerSettings settings, SpecialVocabulary vocabulary)
{
    /// <summary>The text of these ids.</summary>
    public string Decode(IReadOnlyList<int> ids, bool skipSpecial)
    {
        var parts = new List<string>();
        var stretch = new List<int>();
        foreach (var id in ids)
        {
            if (vocabulary.TextOf(id) is not { } text || (skipSpecial && vocabulary.IsSpecial(id)))
            {
                continue;
            }

            if (!StandsApart(id))
            {
                stretch.Add(id);
                continue;
            }

            if (DecodeStretch(stretch) is { Length: > 0 } before)
            {
                parts.Add(before);
            }

            parts.Add(text);
            stretch.Clear();
        }

        if (stretch.Count > 0)
        {
            parts.Add(DecodeStretch(stretch));
        }

        return string.Join(' ', parts);
    }

    /// <summary>True for tokens that are joined to the text around them with spaces.</summary>
    private bool StandsApart(int id) => vocabulary.IsAdded(id)
        && (!vocabulary.IsSpecial(id) || (id >= model.Pieces.Count && settings.Additional.Contains(vocabulary.TextOf(id)!)));

    private string DecodeStretch(List<int> ids)
    {
        var text = new StringBuilder();
        var run = NewRun();
        var specialBefore = false;
        for (var i = 0; i < ids.Count; i++)
        {
            var token = vocabulary.TextOf(ids[i])!;
            if (vocabulary.IsSpecial(ids[i]))
            {
                // In legacy mode the space comes before the text that the special token ends.
                text.Append(!specialBefore && i > 0 && settings.Legacy ? " " : "").Append(EndOf(run)).Append(token);
                run = NewRun();
                specialBefore = true;
                continue;
            }

            if (specialBefore && i == 1 && settings.AddPrefixSpace && !token.StartsWith(SentencePieceModel.Mark))
            {
                text.Append(' ');
            }

            Push(run, model, ids[i], first: i == 0 && settings.AddPrefixSpace);
            specialBefore = false;
        }

        return text.Append(EndOf(run)).ToString();
    }

    private SentencePieceRun NewRun() => NewRun(model, settings);

    /// <summary>A decoder of one stretch; in the newer behaviour SentencePiece runs without its prefix.</summary>
    public static SentencePieceRun NewRun(SentencePieceModel model, TokenizerSettings settings) =>
        new(model, settings.Legacy && model.AddDummyPrefix);

    /// <summary>Gives a piece to a stretch; the first loses its mark.</summary>
    public static void Push(SentencePieceRun run, SentencePieceModel model, int id, bool first)
    {
        var piece = model.Pieces[id];
        var text = first && piece.Text is [SentencePieceModel.Mark, ..] ? piece.Text.AsSpan(1) : piece.Text;
        ByteFallbackStage.TryParse(piece.Text, out var value);
        run.Push(text, piece.Kind, value);
    }

    private static string EndOf(SentencePieceRun run)
    {
        run.End();
        return run.Take();
    }
}
