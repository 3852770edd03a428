using System.Runtime.CompilerServices;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Silo.Api;

/// <summary>
/// Reads a turn from its session's grain. When the silo where the session lives goes away, the grain comes up elsewhere, and is asked for
/// the same turn from the first token that was not told: the client hears one unbroken answer.
/// </summary>
internal sealed partial class TurnRelay(IGrainFactory grains, TimeProvider time, ILogger<TurnRelay> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>The turn's events, each once.</summary>
    public async IAsyncEnumerable<TurnEventMessage> ReadAsync(
        string session, TurnRequestMessage turn, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // By its id it is the same turn when it is asked for again.
        var relayed = new RelayedTurn(turn with { TurnId = turn.TurnId.Length > 0 ? turn.TurnId : Guid.NewGuid().ToString("N") });
        var patience = new RelayPatience(time);
        while (true)
        {
            patience.Ask();
            await using var events = grains.GetGrain<ISessionGrain>(session).Chat(relayed.Request, cancellationToken)
                .GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                try
                {
                    if (!await events.MoveNextAsync())
                    {
                        yield break;
                    }
                }
                catch (Exception error) when (!cancellationToken.IsCancellationRequested && patience.HasMore(error))
                {
                    LogMoving(session, relayed.Request.TurnId, error.Message);
                    break;
                }

                patience.Hear();
                if (relayed.Take(events.Current))
                {
                    yield return events.Current;
                }
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Session {Session} is lost to this gateway; its turn {Turn} is asked for where it comes up: {Why}")]
    private partial void LogMoving(string session, string turn, string why);
}
