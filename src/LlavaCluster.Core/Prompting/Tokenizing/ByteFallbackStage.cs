using System.Buffers;
using System.Globalization;
using System.Text;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// Turns runs of byte tokens (<c>&lt;0xE4&gt;</c>) into characters as the tokenizers library does: a run that is UTF-8 as a whole is
/// its text, in any other run every byte becomes one U+FFFD. A run is therefore held back until another token ends it, or until it is
/// sure to be broken.
/// </summary>
internal sealed class ByteFallbackStage(DecodeStage next) : DecodeStage(next)
{
    private readonly List<byte> _run = [];
    private int _whole;
    private bool _broken;

    /// <inheritdoc/>
    public override void Push(string token)
    {
        if (!TryParse(token, out var value))
        {
            EndRun();
            HandOn(token);
            return;
        }

        _run.Add(value);
        if (!_broken)
        {
            // Only the character that is still open needs a look: no byte is looked at more than four times.
            Span<byte> open = stackalloc byte[4];
            open = open[..(_run.Count - _whole)];
            for (var i = 0; i < open.Length; i++)
            {
                open[i] = _run[_whole + i];
            }

            var status = Rune.DecodeFromUtf8(open, out _, out _);
            _whole = status == OperationStatus.Done ? _run.Count : _whole;
            _broken = status == OperationStatus.InvalidData;
        }

        if (_broken)
        {
            GiveBroken();
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        EndRun();
        base.Flush();
    }

    /// <summary>The byte that a token of the form <c>&lt;0xE4&gt;</c> stands for.</summary>
    public static bool TryParse(string token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private void EndRun()
    {
        if (!_broken && _whole == _run.Count)
        {
            if (_run.Count > 0)
            {
                HandOn(Encoding.UTF8.GetString([.. _run]));
            }
        }
        else
        {
            GiveBroken();
        }

        _run.Clear();
        (_whole, _broken) = (0, false);
    }

    private void GiveBroken()
    {
        for (var i = 0; i < _run.Count; i++)
        {
            HandOn("\uFFFD");
        }

        _run.Clear();
        _whole = 0;
    }
}
