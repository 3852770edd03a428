using System.Runtime.CompilerServices;
using System.Text;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// What has been told of one turn, so that anybody can read it from any token on, while it grows and after. Its session's thread only.
/// </summary>
internal sealed class TurnBuffer
{
    private readonly List<TokenMessage> _tokens = [];
    private readonly List<string> _texts = [];
    private readonly StringBuilder _text = new();
    private TaskCompletionSource _changed = NewSignal();
    private TurnStartedMessage? _started;
    private TurnFinishedMessage? _finished;
    private Exception? _error;
    private string _tail = "";

    /// <summary>Tokens so far.</summary>
    public IReadOnlyList<TokenMessage> Tokens => _tokens;

    /// <summary>Characters that came with each token.</summary>
    public IReadOnlyList<int> TextLengths => [.. _texts.Select(text => text.Length)];

    /// <summary>Text so far.</summary>
    public string Text => _text.ToString();

    /// <summary>How the turn began, once it did.</summary>
    public TurnStartedMessage? Started => _started;

    /// <summary>True when nothing more will come.</summary>
    public bool IsOver => _finished is not null || _error is not null;

    /// <summary>The buffer of a turn that is over, from its log.</summary>
    public static TurnBuffer Of(TurnStartedMessage started, TurnEnded ended, TurnFinishedMessage finished)
    {
        var buffer = new TurnBuffer();
        buffer.Start(started);
        var at = 0;
        for (var i = 0; i < ended.Tokens.Count; i++)
        {
            var length = ended.TextLengths is { } lengths ? lengths[i] : 0;
            buffer.Add([TokenMessage.From(ended.Tokens[i])], ended.Text.Substring(at, length));
            at += length;
        }

        buffer.Finish(ended.Text[at..], finished);
        return buffer;
    }

    /// <summary>The engine has taken it up.</summary>
    public void Start(TurnStartedMessage started)
    {
        _started = started;
        Signal();
    }

    /// <summary>More tokens; their text is counted to the last of them.</summary>
    public void Add(IReadOnlyList<TokenMessage> tokens, string text)
    {
        for (var i = 0; i < tokens.Count; i++)
        {
            _tokens.Add(tokens[i]);
            _texts.Add(i == tokens.Count - 1 ? text : "");
        }

        _text.Append(text);
        Signal();
    }

    /// <summary>The rest of the text.</summary>
    public void AddTail(string text)
    {
        _tail += text;
        _text.Append(text);
    }

    /// <summary>The end.</summary>
    public void Finish(string tail, TurnFinishedMessage finished)
    {
        AddTail(tail);
        _finished = finished;
        Signal();
    }

    /// <summary>An end that is an error for everybody who listens.</summary>
    public void Fail(Exception error)
    {
        _error = error;
        Signal();
    }

    /// <summary>Everything from a token on: started, deltas, finished.</summary>
    /// <exception cref="TurnRefusedException">InvalidArgument: the turn ended with fewer tokens.</exception>
    public async IAsyncEnumerable<TurnEventMessage> ReadAsync(int from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var at = from;
        var started = false;
        while (true)
        {
            if (!started && _started is not null)
            {
                started = true;
                yield return _started;
            }
            else if (_tokens.Count > at)
            {
                var delta = new TurnDeltaMessage(at, _tokens[at..], string.Concat(_texts[at..]));
                at = _tokens.Count;
                yield return delta;
            }
            else if (_error is not null)
            {
                throw _error;
            }
            else if (_finished is not null)
            {
                if (at > _tokens.Count)
                {
                    throw new TurnRefusedException(
                        RefusalCode.InvalidArgument, $"resume_from is {from}; the turn ended with {_tokens.Count} tokens.");
                }

                if (_tail.Length > 0)
                {
                    yield return new TurnDeltaMessage(at, [], _tail);
                }

                yield return _finished;
                yield break;
            }
            else
            {
                await _changed.Task.WaitAsync(cancellationToken);
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal()
    {
        var changed = _changed;
        _changed = NewSignal();
        changed.SetResult();
    }
}
