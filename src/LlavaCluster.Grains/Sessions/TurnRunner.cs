using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>Brings a turn to the grains that serve it: gateway, encoders, replica. Its session's thread only.</summary>
internal sealed class TurnRunner(IGrainFactory grains, ITokenizer tokenizer, Instruments instruments, TimeProvider time)
{
    /// <summary>
    /// Who serves the turn; then the encoders look at its new images, so that a bad one is refused before anything is written down.
    /// </summary>
    /// <exception cref="TurnRefusedException">Unavailable, InvalidArgument or NotFound.</exception>
    public async Task<RouteMessage> RouteAsync(
        string session, string? knownReplica, Conversation conversation, TurnStarted turn, CancellationToken cancellationToken)
    {
        var images = conversation.Images.Concat(turn.Images).Select(span => span.Image.Hex).Distinct().ToArray();
        var route = await grains.GetGrain<IGatewayGrain>(0).Route(new RouteRequestMessage(session, knownReplica, images));
        await Task.WhenAll(turn.Images.Select(span => span.Image.Hex).Distinct().Select(
            image => grains.GetGrain<IEncoderGrain>(route.Encoders[image]).Check(image, cancellationToken)));
        return route;
    }

    /// <summary>Has a replica compute the conversation as far as its KV is not there; the one token behind it is thrown away.</summary>
    /// <exception cref="TurnRefusedException">ContextExceeded, QueueFull or Unavailable.</exception>
    public async Task<WarmMessage> WarmAsync(string replica, SequenceMessage sequence)
    {
        var warmed = new WarmMessage(sequence.TokenIds.Count, 0);
        await foreach (var next in grains.GetGrain<IDecoderShardGrain>($"{replica}/0").Generate(sequence))
        {
            if (next is SequenceStartedMessage started)
            {
                warmed = new WarmMessage(started.PromptTokens, started.CachedTokens);
            }
        }

        return warmed;
    }

    /// <summary>Hands the sequence to the replica; comes back when it stands in the queue there.</summary>
    /// <exception cref="TurnRefusedException">ContextExceeded, QueueFull or Unavailable.</exception>
    public async Task<TurnRun> BeginAsync(
        string session, string replica, SequenceMessage sequence, TurnStarted started, LiveTurn turn, CancellationToken cancellationToken)
    {
        var events = grains.GetGrain<IDecoderShardGrain>($"{replica}/0").Generate(sequence, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        try
        {
            if (!await events.MoveNextAsync() || events.Current is not SequenceAcceptedMessage)
            {
                throw new InvalidOperationException($"Replica {replica} did not accept turn {turn.TurnId}, and gave no reason.");
            }

            return new TurnRun(session, replica, events, started, turn, tokenizer, instruments, time);
        }
        catch
        {
            await events.DisposeAsync();
            throw;
        }
    }
}
