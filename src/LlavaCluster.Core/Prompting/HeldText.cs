namespace LlavaCluster.Core.Prompting;

/// <summary>Characters that wait: appended at the end, taken from the front, each moved a bounded number of times.</summary>
internal sealed class HeldText
{
    private char[] _buffer = new char[64];
    private int _start;

    /// <summary>Characters that wait.</summary>
    public int Length { get; private set; }

    /// <summary>Adds text at the end.</summary>
    public void Append(ReadOnlySpan<char> text)
    {
        if (_start + Length + text.Length > _buffer.Length)
        {
            // At least half of a buffer is free after this, so moving costs no more than what was appended in between.
            var target = 2 * (Length + text.Length) > _buffer.Length ? new char[2 * (Length + text.Length)] : _buffer;
            _buffer.AsSpan(_start, Length).CopyTo(target);
            (_buffer, _start) = (target, 0);
        }

        text.CopyTo(_buffer.AsSpan(_start + Length));
        Length += text.Length;
    }

    /// <summary>Takes text from the front.</summary>
    public string Take(int count)
    {
        var text = count == 0 ? "" : new string(_buffer, _start, count);
        (_start, Length) = (_start + count, Length - count);
        return text;
    }
}
