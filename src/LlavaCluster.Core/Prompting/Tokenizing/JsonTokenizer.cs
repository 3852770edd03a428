namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// A tokenizer.json, obeyed as it stands. Order of work, as in the tokenizers library: (1) added tokens of the text as it came are cut
/// out, (2) each stretch between them is normalised, (3) added tokens of normalised text are cut out, (4) the pre-tokenizer marks and
/// splits, (5) the model encodes each piece.
/// </summary>
internal sealed class JsonTokenizer : ITokenizer
{
    private readonly TokenizerParts _parts;
    private readonly AddedTokenCutter _raw;
    private readonly AddedTokenCutter _normalized;
    private readonly AddedTokenCutter _template;
    private readonly Dictionary<string, AddedToken> _byText;
    private readonly bool[] _special;

    public JsonTokenizer(TokenizerParts parts)
    {
        _parts = parts;
        _byText = parts.AddedTokens.ToDictionary(t => t.Text);
        _raw = new AddedTokenCutter(parts.AddedTokens.Where(t => !t.Normalized).Select(t => (t.Text, t)));
        _normalized = new AddedTokenCutter(parts.AddedTokens.Where(t => t.Normalized).Select(t => (Normalize(t.Text, true), t)));
        _template = new AddedTokenCutter(parts.AddedTokens.Select(t => (t.Text, t)));
        _special = new bool[parts.Tokens.Length];
        foreach (var token in parts.AddedTokens.Where(t => t.Special))
        {
            _special[token.Id] = true;
        }
    }

    /// <inheritdoc/>
    public int VocabularySize => _parts.Tokens.Length;

    /// <inheritdoc/>
    public int? BosId => _parts.Before is [var bos] ? bos : null;

    /// <inheritdoc/>
    public int? FindSpecial(string token) => _byText.TryGetValue(token, out var found) ? found.Id : null;

    /// <inheritdoc/>
    public bool IsSpecial(int id) => (uint)id < (uint)_special.Length && _special[id];

    /// <inheritdoc/>
    public IReadOnlyList<int> EncodePlain(ReadOnlySpan<char> text, TextPosition position)
    {
        var ids = new List<int>();
        EncodeModel(Normalize(text.ToString(), position != TextPosition.Continuation), position, ids);
        return ids;
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> EncodeRendered(IReadOnlyList<RenderedPiece> pieces, TextPosition position)
    {
        // Words are never looked at. Here every added token counts by its plain text, also those that the reference finds in
        // normalised text: a template means its tokens.
        var (text, ranges) = RenderedRanges.Of(pieces);
        var ids = new List<int>();
        foreach (var cut in _template.Cut(text, ranges))
        {
            var at = cut.Start == 0 ? position : TextPosition.AfterSpecial;
            if (cut.Token is { } token)
            {
                ids.Add(token.Id);
            }
            else
            {
                EncodeModel(Normalize(text.Substring(cut.Start, cut.Length), at != TextPosition.Continuation), at, ids);
            }
        }

        return ids;
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text, bool bos)
    {
        var ids = new List<int>();
        if (bos)
        {
            ids.AddRange(_parts.Before);
        }

        foreach (var cut in _raw.Cut(text))
        {
            if (cut.Token is { } token)
            {
                ids.Add(token.Id);
                continue;
            }

            var normalized = Normalize(text.Substring(cut.Start, cut.Length), true);
            foreach (var part in _normalized.Cut(normalized))
            {
                if (part.Token is { } added)
                {
                    ids.Add(added.Id);
                    continue;
                }

                var start = cut.Start == 0 && part.Start == 0;
                EncodeModel(normalized.Substring(part.Start, part.Length), start ? TextPosition.Start : TextPosition.AfterSpecial, ids);
            }
        }

        if (bos)
        {
            ids.AddRange(_parts.After);
        }

        return ids;
    }

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<int> ids, bool skipSpecial)
    {
        var (first, sink) = _parts.Decoder.Begin();
        foreach (var id in ids)
        {
            if (FindText(id, skipSpecial) is { } token)
            {
                first.Push(token);
            }
        }

        first.Flush();
        return sink.Take();
    }

    /// <inheritdoc/>
    public ITokenStreamDecoder CreateStreamDecoder()
    {
        var (first, sink) = _parts.Decoder.Begin();
        return new StreamDecoder(this, first, sink);
    }

    private string? FindText(int id, bool skipSpecial) =>
        (uint)id >= (uint)_parts.Tokens.Length || (skipSpecial && _special[id]) ? null : _parts.Tokens[id];

    private string Normalize(string text, bool prefix)
    {
        foreach (var step in _parts.Normalizer)
        {
            text = step.Apply(text, prefix);
        }

        return text;
    }

    private void EncodeModel(string text, TextPosition position, List<int> ids)
    {
        if (_parts.PreTokenizer is null)
        {
            EncodePiece(text, ids);
            return;
        }

        foreach (var piece in _parts.PreTokenizer.Apply(text, position))
        {
            EncodePiece(piece.Span, ids);
        }
    }

    private void EncodePiece(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (_parts.WholePieces is not null && _parts.WholePieces.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(piece, out var id))
        {
            ids.Add(id);
        }
        else
        {
            _parts.Model.Encode(piece, ids);
        }
    }

    private sealed class StreamDecoder(JsonTokenizer tokenizer, DecodeStage first, TextSink sink) : ITokenStreamDecoder
    {
        public string Push(int id)
        {
            if (tokenizer.FindText(id, skipSpecial: true) is not { } token)
            {
                return "";
            }

            first.Push(token);
            return sink.Take();
        }

        public string Flush()
        {
            first.Flush();
            return sink.Take();
        }
    }
}
