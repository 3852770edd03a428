namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// <see cref="SentencePieceText"/> id by id, special tokens left out: then a stretch is one run, and only added tokens without a role
/// end it. The space that joins two parts is given with the second of them.
/// </summary>
internal sealed class SentencePieceStreamDecoder(SentencePieceModel model, TokenizerSettings settings, SpecialVocabulary vocabulary) : ITokenStreamDecoder
{
    private SentencePieceRun? _run;
    private bool _runHasText;
    private bool _partsBefore;

    /// <inheritdoc/>
    public string Push(int id)
    {
        if (vocabulary.TextOf(id) is not { } text || vocabulary.IsSpecial(id))
        {
            return "";
        }

        if (vocabulary.IsAdded(id))
        {
            var before = EndRun();
            var part = _partsBefore ? " " + text : text;
            _partsBefore = true;
            return before + part;
        }

        var first = _run is null && settings.AddPrefixSpace;
        _run ??= SentencePieceText.NewRun(model, settings);
        SentencePieceText.Push(_run, model, id, first);
        return Joined(_run.Take());
    }

    /// <inheritdoc/>
    public string Flush()
    {
        // The last stretch is a part even when it has no text.
        var begun = _run is not null;
        var hadText = _runHasText;
        var text = EndRun();
        return begun && !hadText && text.Length == 0 && _partsBefore ? " " : text;
    }

    private string EndRun()
    {
        if (_run is null)
        {
            return "";
        }

        _run.End();
        var text = Joined(_run.Take());
        _partsBefore |= _runHasText;
        (_run, _runHasText) = (null, false);
        return text;
    }

    private string Joined(string text)
    {
        if (text.Length == 0)
        {
            return "";
        }

        var joined = _partsBefore && !_runHasText ? " " + text : text;
        _runHasText = true;
        return joined;
    }
}
