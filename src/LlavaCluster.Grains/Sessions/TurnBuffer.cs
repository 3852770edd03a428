using System.Runtime.CompilerServices;
using System.Text;
using LlavaCluster.Core.Sampling;
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

    /// <summary>Text so far.</summary>
    public string Text => _text.ToString();

    /// <summary>How the turn began, once it did.</summary>
    public TurnStartedMessage? Started => _started;

    /// <summary>True when nothing more will come.</summary>
    public bool IsOver => _finished is not null || _error is not null;

    /// <summary>Takes what the log has of the turn. It is told once the turn has started again.</summary>
    public void Restore(ConversationTurn turn)
    {
        _tokens.Clear();
        _texts.Clear();
        _text.Clear();
        var (text, at) = (turn.Text, 0);
        for (var i = 0; i < turn.Tokens.Count; i++)
        {
            Take([TokenMessage.From(turn.Tokens[i])], text.Substring(at, turn.TextLengths[i]));
            at += turn.TextLengths[i];
        }
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
        Take(tokens, text);
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

    /// <summary>Waits until there are so many tokens, or until something else.</summary>
    public async Task UntilAsync(int tokens, Task orUntil)
    {
        while (_tokens.Count < tokens && !orUntil.IsCompleted)
        {
            await Task.WhenAny(_changed.Task, orUntil);
        }
    }

    /// <summary>The tokens from a number on, as the log takes them.</summary>
    public (IReadOnlyList<SampledToken> Tokens, string Text, IReadOnlyList<int> TextLengths) From(int token) => (
        [.. _tokens.Skip(token).Select(one => one.ToToken())],
        string.Concat(_texts.Skip(token)),
        [.. _texts.Skip(token).Select(text => text.Length)]);

    /// <summary>Everything from a token on: started, deltas, finished; a word in each silence of this length, if it is finite.</summary>
    /// <exception cref="TurnRefusedException">InvalidArgument: the turn ended with fewer tokens.</exception>
    public async IAsyncEnumerable<TurnEventMessage> ReadAsync(
        int from, TimeSpan silence, TimeProvider time, [EnumeratorCancellation] CancellationToken cancellationToken)
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
            else if (started && _tokens.Count > at)
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
                var changed = _changed.Task;
                await changed.WaitAsync(silence, time, cancellationToken).ConfigureAwait(
                    ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
                cancellationToken.ThrowIfCancellationRequested();
                if (!changed.IsCompleted)
                {
                    yield return new TurnWaitingMessage();
                }
            }
        }
    }

    private void Take(IReadOnlyList<TokenMessage> tokens, string text)
    {
        for (var i = 0; i < tokens.Count; i++)
        {
            _tokens.Add(tokens[i]);
            _texts.Add(i == tokens.Count - 1 ? text : "");
        }

        _text.Append(text);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal()
    {
        var changed = _changed;
        _changed = NewSignal();
        changed.SetResult();
    }
}
