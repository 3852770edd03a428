using System.Buffers;
using System.Text;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// SentencePiece's DecodePieces, piece by piece: byte pieces become characters as soon as they are whole, every byte that is part of
/// none becomes one U+FFFD; one leading space is dropped when the model adds one.
/// </summary>
internal sealed class SentencePieceRun(SentencePieceModel model, bool dummyPrefix)
{
    private readonly StringBuilder _text = new();
    private readonly byte[] _open = new byte[4];
    private int _openCount;
    private bool _atStart = true;
    private bool _spaceSeen;
    private bool _textSeen;

    /// <summary>The next piece.</summary>
    /// <param name="piece">Its text, which may differ from the model's by a mark that was taken off.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="value">The byte of a byte piece.</param>
    public void Push(ReadOnlySpan<char> piece, PieceKind kind, byte value = 0)
    {
        if (kind == PieceKind.Byte)
        {
            _open[_openCount++] = value;
            GiveBytes(final: false);
            return;
        }

        GiveBytes(final: true);
        _atStart &= !(_spaceSeen || _textSeen);
        _spaceSeen = false;
        if (kind == PieceKind.Control)
        {
            return;
        }

        if (kind == PieceKind.Unknown)
        {
            Give(model.UnknownSurface);
            return;
        }

        if (_atStart && (dummyPrefix || model.RemoveExtraWhitespaces) && piece is [SentencePieceModel.Mark, ..])
        {
            piece = piece[1..];
            _spaceSeen = !model.RemoveExtraWhitespaces;
        }

        Give(piece.ToString().Replace(SentencePieceModel.Mark, ' '));
    }

    /// <summary>The text since the last call, without the bytes of an open character.</summary>
    public string Take()
    {
        var text = _text.ToString();
        _text.Clear();
        return text;
    }

    /// <summary>The end: bytes that wait for more are broken.</summary>
    public void End() => GiveBytes(final: true);

    private void Give(string text)
    {
        _text.Append(text);
        _textSeen |= text.Length > 0;
    }

    private void GiveBytes(bool final)
    {
        while (_openCount > 0)
        {
            var status = Rune.DecodeFromUtf8(_open.AsSpan(0, _openCount), out var rune, out var length);
            if (status == OperationStatus.NeedMoreData && !final)
            {
                return;
            }

            // SentencePiece skips one byte after another where .NET would skip a whole broken character.
            length = status == OperationStatus.Done ? length : 1;
            Give(status == OperationStatus.Done ? rune.ToString() : "\uFFFD");
            _open.AsSpan(length, _openCount - length).CopyTo(_open);
            _openCount -= length;
        }
    }
}
