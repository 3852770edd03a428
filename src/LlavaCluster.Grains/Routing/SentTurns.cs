using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Routing;

/// <summary>
/// Turns that this gateway sent to each replica since that last told its load: a report is up to a tenth of a second old, and a burst would
/// else see the same one for all its turns. One thread.
/// </summary>
internal sealed class SentTurns
{
    private readonly Dictionary<string, (SeatLoadMessage Since, int Count)> _sent = [];

    /// <summary>How many.</summary>
    public int To(SeatLoadMessage seat) =>
        _sent.TryGetValue(seat.Shard, out var sent) && ReferenceEquals(sent.Since, seat) ? sent.Count : 0;

    /// <summary>One more.</summary>
    public void Note(SeatLoadMessage seat) => _sent[seat.Shard] = (seat, To(seat) + 1);
}
