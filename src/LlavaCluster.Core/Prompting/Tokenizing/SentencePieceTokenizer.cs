namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// A tokenizer.model as transformers' slow LlamaTokenizer runs it: (1) added tokens are cut out of the text, (2) each stretch goes
/// through SentencePiece. Legacy: SentencePiece puts its prefix before every stretch. Otherwise one mark is put before the whole text
/// and none after an added token.
/// </summary>
internal sealed class SentencePieceTokenizer : ITokenizer
{
    private readonly SentencePieceModel _model;
    private readonly TokenizerSettings _settings;
    private readonly BpeModel _bpe;
    private readonly AddedTokenCutter _added;
    private readonly AddedTokenCutter _template;
    private readonly AddedTokenCutter _fixedPieces;
    private readonly AddedTokenCutter _fixedInWords;
    private readonly HashSet<int> _guarded;
    private readonly SentencePieceText _decoder;

    public SentencePieceTokenizer(SentencePieceModel model, TokenizerSettings settings)
    {
        (_model, _settings) = (model, settings);
        Vocabulary = new SpecialVocabulary(model, settings);

        // A piece that is always one token and looks like a sign ("<|im_end|>") must not come from somebody's words.
        var userDefined = Enumerable.Range(0, model.Pieces.Count).Where(id => model.Pieces[id].Kind == PieceKind.UserDefined)
            .Select(id => new AddedToken(id, model.Pieces[id].Text, Special: false)).ToList();
        _guarded = [.. userDefined.Where(t => t.Text is ['<', .., '>'] || Vocabulary.IsAdded(t.Id)).Select(t => t.Id)];
        _added = new AddedTokenCutter(Vocabulary.Added.Select(t => (t.Text, t)));
        _template = new AddedTokenCutter(userDefined.Where(t => _guarded.Contains(t.Id)).Concat(Vocabulary.Added).Select(t => (t.Text, t)));
        _fixedPieces = new AddedTokenCutter(userDefined.Select(t => (t.Text, t)));
        _fixedInWords = new AddedTokenCutter(userDefined.Where(t => !_guarded.Contains(t.Id)).Select(t => (t.Text, t)));
        _bpe = SentencePieceBpe.Build(model, id => !_guarded.Contains(id) && !Vocabulary.IsAdded(id));
        _decoder = new SentencePieceText(model, settings, Vocabulary);
    }

    /// <summary>Ids and texts, with the tokens that are not in the model.</summary>
    public SpecialVocabulary Vocabulary { get; }

    /// <inheritdoc/>
    public int VocabularySize => Vocabulary.Size;

    /// <inheritdoc/>
    public int? BosId => _settings.AddBos ? Vocabulary.FindRole("bos_token") : null;

    /// <inheritdoc/>
    public int? FindSpecial(string token) => Vocabulary.Find(token);

    /// <inheritdoc/>
    public bool IsSpecial(int id) => Vocabulary.IsSpecial(id);

    /// <inheritdoc/>
    public IReadOnlyList<int> EncodePlain(ReadOnlySpan<char> text, TextPosition position)
    {
        var ids = new List<int>();
        if (!text.IsEmpty)
        {
            EncodeStretch(text.ToString(), position, _fixedInWords, ids);
        }

        return ids;
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> EncodeRendered(IReadOnlyList<RenderedPiece> pieces, TextPosition position)
    {
        var (text, ranges) = RenderedRanges.Of(pieces);
        return EncodeCuts(text, _template.Cut(text, ranges), position, _fixedInWords);
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text, bool bos)
    {
        var ids = EncodeCuts(text, _added.Cut(text), TextPosition.Start, _fixedPieces);
        if (bos && BosId is { } first)
        {
            ids.Insert(0, first);
        }

        if (bos && _settings.AddEos && Vocabulary.FindRole("eos_token") is { } last)
        {
            ids.Add(last);
        }

        return ids;
    }

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<int> ids, bool skipSpecial) => _decoder.Decode(ids, skipSpecial);

    /// <inheritdoc/>
    public ITokenStreamDecoder CreateStreamDecoder() => new SentencePieceStreamDecoder(_model, _settings, Vocabulary);

    private List<int> EncodeCuts(string text, List<TextCut> cuts, TextPosition position, AddedTokenCutter fixedPieces)
    {
        var ids = new List<int>();
        if (cuts.Count > 0 && cuts[0].Token is { } first && position == TextPosition.Start && !_settings.Legacy)
        {
            // The mark before the whole text stands alone here; the tokenizer drops it before a token with a role, and only there.
            if (_settings.AddPrefixSpace && !Vocabulary.IsSpecial(first.Id))
            {
                EncodeStretch("", position, fixedPieces, ids);
            }
        }

        var at = position;
        foreach (var cut in cuts)
        {
            if (cut.Token is not { } token)
            {
                EncodeStretch(text.Substring(cut.Start, cut.Length), at, fixedPieces, ids);
                continue;
            }

            ids.Add(token.Id);

            // A fixed piece is part of its stretch for SentencePiece: no prefix after it.
            at = Vocabulary.IsAdded(token.Id) ? TextPosition.AfterSpecial : TextPosition.Continuation;
        }

        return ids;
    }

    private void EncodeStretch(string text, TextPosition position, AddedTokenCutter fixedPieces, List<int> ids)
    {
        string normalized;
        if (_settings.Legacy)
        {
            var prefix = position != TextPosition.Continuation;
            normalized = _model.Normalize(text, prefix && _model.AddDummyPrefix, start: prefix);
        }
        else
        {
            // Marks in the text count as spaces; SentencePiece runs without its own prefix and keeps the spaces in front.
            var prefix = position == TextPosition.Start && _settings.AddPrefixSpace ? SentencePieceModel.Mark.ToString() : "";
            normalized = _model.Normalize(prefix + text.Replace(SentencePieceModel.Mark, ' '), prefix: false, start: false);
        }

        foreach (var cut in fixedPieces.Cut(normalized))
        {
            if (cut.Token is { } token)
            {
                ids.Add(token.Id);
            }
            else
            {
                _bpe.Encode(normalized.AsSpan(cut.Start, cut.Length), ids);
            }
        }
    }
}
