namespace LlavaCluster.Core.Engine;

/// <summary>
/// Blocks of answers that were cancelled: an engine may be some tokens ahead of what its reader was told when a turn is cut, and no
/// conversation goes through a block that nobody was told of. By session, so that they can be forgotten with it. Engine thread only.
/// </summary>
internal sealed class UntoldBlocks
{
    /// <summary>More are not kept: the oldest session's blocks then lie in the cache until their place is needed.</summary>
    private const int MostSessions = 8192;

    private readonly Dictionary<string, List<UInt128[]>> _chains = [];
    private readonly Queue<string> _order = new();

    /// <summary>A turn of a session was cancelled.</summary>
    /// <param name="session">The session; empty: nobody will ask.</param>
    /// <param name="answer">Keys of the blocks that its answer reaches, in order.</param>
    public void Note(string session, ReadOnlySpan<UInt128> answer)
    {
        if (session.Length == 0)
        {
            return;
        }

        if (!_chains.TryGetValue(session, out var chains))
        {
            _chains.Add(session, chains = []);
            _order.Enqueue(session);
            if (_order.Count > MostSessions)
            {
                _chains.Remove(_order.Dequeue());
            }
        }

        chains.Add(answer.ToArray());
    }

    /// <summary>Gives a session's, and forgets them.</summary>
    public IReadOnlyList<UInt128[]> Take(string session)
    {
        if (!_chains.Remove(session, out var chains))
        {
            return [];
        }

        // Seldom, and short enough: a session that comes back must not stand in it twice.
        var others = _order.Where(other => other != session).ToArray();
        _order.Clear();
        foreach (var other in others)
        {
            _order.Enqueue(other);
        }

        return chains;
    }
}
