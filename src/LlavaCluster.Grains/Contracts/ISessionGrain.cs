using Orleans.Concurrency;

namespace LlavaCluster.Grains.Contracts;

/// <summary>
/// One conversation; the key is its id. Turns run one at a time in the order in which they came. Everything that it refuses comes
/// as <see cref="TurnRefusedException"/>.
/// </summary>
[Alias("llava.ISessionGrain")]
public interface ISessionGrain : IGrainWithStringKey
{
    /// <summary>
    /// Starts a turn, or joins it when the id is known: then what was generated is replayed from
    /// <see cref="TurnRequestMessage.ResumeFrom"/> and goes on. The turn is cancelled when nobody listens any more.
    /// </summary>
    /// <param name="request">The turn.</param>
    /// <param name="cancellationToken">Stops listening.</param>
    /// <returns>Started, any number of deltas, finished.</returns>
    [Alias("Chat")]
    IAsyncEnumerable<TurnEventMessage> Chat(TurnRequestMessage request, CancellationToken cancellationToken = default);

    /// <summary>The transcript and what is going on.</summary>
    /// <exception cref="TurnRefusedException">NotFound: there is no such session.</exception>
    [AlwaysInterleave]
    [Alias("Get")]
    Task<SessionMessage> Get();

    /// <summary>Begins another session with this one's turns up to one of them. Its KV is found by the prefix.</summary>
    /// <param name="turnId">The last turn of the copy; empty: the last one that is over.</param>
    /// <param name="fork">Id of the new session, which must not exist.</param>
    /// <exception cref="TurnRefusedException">NotFound: no such session or turn. TurnRunning: the turn is not over.</exception>
    [AlwaysInterleave]
    [Alias("Fork")]
    Task Fork(string turnId, string fork);

    /// <summary>Brings the conversation's KV to a replica, so that its next turn begins sooner.</summary>
    /// <exception cref="TurnRefusedException">NotFound: no such session. QueueFull or Unavailable: not now.</exception>
    [AlwaysInterleave]
    [ResponseTimeout("00:02:00")]
    [Alias("Warm")]
    Task<WarmMessage> Warm();

    /// <summary>
    /// A replica leaves. When a turn of the session runs or waits, this waits until another replica has begun it, and so has fetched what it
    /// wants, or it is over. When none does, and the replica has the conversation's KV, another one is brought to fetch it.
    /// </summary>
    /// <param name="replica">The one that leaves.</param>
    /// <param name="tenant">Whose the conversation is.</param>
    /// <param name="cancellationToken">It is gone: nobody need be brought there any more.</param>
    /// <returns>True when another replica has the conversation now; false when there was nothing to do, or no other one to be had.</returns>
    /// <exception cref="TurnRefusedException">NotFound: no such session. QueueFull or Unavailable: not now.</exception>
    [AlwaysInterleave]
    [ResponseTimeout("00:02:00")]
    [Alias("MoveFrom")]
    Task<bool> MoveFrom(string replica, string tenant, CancellationToken cancellationToken = default);

    /// <summary>Deletes the session when its last turn began or ended before this, and none runs.</summary>
    /// <returns>True when it is gone.</returns>
    [Alias("Expire")]
    Task<bool> Expire(DateTimeOffset usedBefore);

    /// <summary>Cancels what runs and forgets the conversation for ever.</summary>
    /// <exception cref="TurnRefusedException">NotFound: there is no such session.</exception>
    [Alias("Delete")]
    Task Delete();

    /// <summary>Ends a running or waiting turn; what was generated stays in the transcript.</summary>
    /// <returns>False when no such turn runs or waits.</returns>
    [AlwaysInterleave]
    [Alias("Cancel")]
    Task<bool> Cancel(string turnId);
}
