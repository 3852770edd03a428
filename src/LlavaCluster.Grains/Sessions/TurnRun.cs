using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>How a turn ended.</summary>
/// <param name="Finished">What is told.</param>
/// <param name="Tail">Text that belongs to the answer and was not told yet.</param>
/// <param name="Error">What is told instead, if anything.</param>
internal sealed record TurnEnd(TurnFinishedMessage Finished, string Tail, TurnRefusedException? Error = null);

/// <summary>
/// A turn that a replica has accepted: pumps its events into the turn's buffer. The first is on its way before it is waited for, since the
/// turn's beginning is written down meanwhile. Its session's thread only.
/// </summary>
internal sealed class TurnRun(
    string session,
    string replica,
    IAsyncEnumerator<TokenEventMessage> events,
    CancellationTokenSource until,
    TurnStarted started,
    LiveTurn turn,
    ITokenizer tokenizer,
    Instruments instruments,
    TimeProvider time) : IAsyncDisposable
{
    private Task<bool> _next = events.MoveNextAsync().AsTask();
    private int _promptTokens;
    private int _cachedTokens;
    private bool _hasToken;

    /// <summary>Until the end, whichever it is.</summary>
    /// <param name="cancellationToken">Ends the turn; what was generated stays.</param>
    /// <param name="isLeaving">True when the end is none, since the turn goes on elsewhere.</param>
    /// <exception cref="TurnRefusedException">Unavailable: the turn was cut off and stays open.</exception>
    public async Task<TurnEnd> PumpAsync(CancellationToken cancellationToken, Func<bool> isLeaving)
    {
        try
        {
            for (; await _next; _next = events.MoveNextAsync().AsTask())
            {
                switch (events.Current)
                {
                    case SequenceStartedMessage begun:
                        OnStarted(begun);
                        break;
                    case SequenceTokensMessage tokens:
                        OnTokens(tokens);
                        break;
                    case SequenceEndedMessage ended:
                        return new TurnEnd(Finished(ended.Reason, ended.Timings), ended.Text);
                }
            }

            throw new TurnRefusedException(
                RefusalCode.Unavailable,
                $"Replica {replica} ended the turn without a word. Ask again with the same turn id: it goes on.",
                TimeSpan.FromSeconds(1));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && !isLeaving())
        {
            return new TurnEnd(Finished(FinishReason.Cancelled, TimingsMessage.None), HeldBack());
        }
        catch (TurnRefusedException refused) when (refused.Code != RefusalCode.Unavailable)
        {
            // An image that cannot be had any more, for one.
            return new TurnEnd(Finished(FinishReason.Failed, TimingsMessage.None), "", refused);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_next.IsCompleted)
        {
            // An enumeration is not ended while it is asked for the next event.
            await until.CancelAsync();
        }

        await ((Task)_next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await events.DisposeAsync();
        until.Dispose();
    }

    private void OnStarted(SequenceStartedMessage begun)
    {
        (_promptTokens, _cachedTokens) = (begun.PromptTokens, begun.CachedTokens);
        turn.BegunAt(replica);
        instruments.OnStarted(begun.PromptTokens, begun.CachedTokens);
        turn.Buffer.Start(new TurnStartedMessage(
            session,
            turn.TurnId,
            begun.PromptTokens,
            begun.CachedTokens,
            [.. started.Images.Select(span => span.Length)],
            replica,
            started.Seed));
    }

    private void OnTokens(SequenceTokensMessage tokens)
    {
        if (tokens.Offset != turn.Buffer.Tokens.Count)
        {
            throw new InvalidOperationException(
                $"Replica {replica} sent token {tokens.Offset} of turn {turn.TurnId} where {turn.Buffer.Tokens.Count} was due.");
        }

        if (!_hasToken)
        {
            _hasToken = true;
            turn.Admitted?.ImagesDone();
            instruments.OnFirstToken(time.GetElapsedTime(turn.Arrived));
        }

        turn.Buffer.Add(tokens.Tokens, tokens.Text);
    }

    private TurnFinishedMessage Finished(FinishReason reason, TimingsMessage timings) =>
        new(reason, _promptTokens, _cachedTokens, turn.Buffer.Tokens.Count, timings);

    /// <summary>Text of tokens that the client has, but whose text was held back, as for half a character, when the turn was cut.</summary>
    private string HeldBack() => HeldBackText.Of(tokenizer, turn.Buffer.Tokens.Select(token => token.Id), turn.Buffer.Text);
}
