using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;

namespace LlavaCluster.Grains.Sessions;

/// <summary>Brings a turn to the grains that serve it: gateway, encoders, replica. Its session's thread only.</summary>
internal sealed class TurnRunner(
    IGrainFactory grains, ITokenizer tokenizer, LlavaConfig config, Instruments instruments, TimeProvider time)
{
    /// <summary>
    /// Who serves the turn; then the encoders look at its new images, so that a bad one is refused before anything is written down.
    /// </summary>
    /// <exception cref="TurnRefusedException">Unavailable, InvalidArgument or NotFound.</exception>
    /// <param name="session">Its session.</param>
    /// <param name="knownReplica">Replica that has the session's KV, or null.</param>
    /// <param name="avoid">Replica that has just failed with the turn, or null.</param>
    /// <param name="conversation">All turns before it.</param>
    /// <param name="turn">The turn.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<RouteMessage> RouteAsync(
        string session, string? knownReplica, string? avoid, Conversation conversation, TurnStarted turn, CancellationToken cancellationToken)
    {
        var spans = conversation.Images.Concat(turn.Images).DistinctBy(span => span.Image).ToArray();
        var images = spans.Select(span => span.Image.Hex).ToArray();
        var route = await grains.GetGrain<IGatewayGrain>(0).Route(new RouteRequestMessage(
            session,
            knownReplica,
            images,
            [.. spans.Select(span => AnyResGrid.Layout(config.Images, span.Width, span.Height).Tiles)],
            Beginnings.Of(conversation.System ?? turn.System, images),
            avoid));
        await Task.WhenAll(turn.Images.Select(span => span.Image.Hex).Distinct().Select(
            image => grains.Serving<IEncoderGrain>(route.Encoders[image]).Check(image, cancellationToken)));
        return route;
    }

    /// <summary>Has a replica compute the conversation as far as its KV is not there; the one token behind it is thrown away.</summary>
    /// <exception cref="TurnRefusedException">ContextExceeded, QueueFull or Unavailable.</exception>
    public async Task<WarmMessage> WarmAsync(RouteMessage place, SequenceMessage sequence, CancellationToken cancellationToken)
    {
        var warmed = new WarmMessage(sequence.TokenIds.Count, 0);
        await foreach (var next in grains.Serving<IDecoderShardGrain>(place.Shard).Generate(sequence, cancellationToken)
            .WithCancellation(cancellationToken))
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
        string session, RouteMessage place, SequenceMessage sequence, TurnStarted started, LiveTurn turn, CancellationToken cancellationToken)
    {
        var shard = grains.Serving<IDecoderShardGrain>(place.Shard);
        var until = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var events = shard.Generate(sequence, until.Token).GetAsyncEnumerator(until.Token);
        try
        {
            if (!await events.MoveNextAsync() || events.Current is not SequenceAcceptedMessage)
            {
                throw new InvalidOperationException($"Replica {place.Replica} did not accept turn {turn.TurnId}, and gave no reason.");
            }

            return new TurnRun(session, place.Replica, events, until, started, turn, tokenizer, instruments, time);
        }
        catch
        {
            await events.DisposeAsync();
            until.Dispose();
            throw;
        }
    }
}
