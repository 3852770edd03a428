using System.Text;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// One step on the way from tokens to text, for one text. It hands on what is decided as soon as it is, so that decoding at once and
/// decoding token by token are the same code. Before a <see cref="FuseStage"/> every push is a whole token, after it a stretch of text.
/// </summary>
internal abstract class DecodeStage(DecodeStage? next)
{
    /// <summary>The next token, or stretch of text.</summary>
    public abstract void Push(string token);

    /// <summary>The end: hands on what is held back.</summary>
    public virtual void Flush() => next?.Flush();

    /// <summary>Gives a result to the next step.</summary>
    protected void HandOn(string token) => next!.Push(token);
}

/// <summary>The last step: gathers text until it is taken.</summary>
internal sealed class TextSink() : DecodeStage(null)
{
    private readonly StringBuilder _text = new();

    /// <inheritdoc/>
    public override void Push(string token) => _text.Append(token);

    /// <summary>What came since the last call.</summary>
    public string Take()
    {
        var text = _text.ToString();
        _text.Clear();
        return text;
    }
}
