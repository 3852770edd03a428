namespace LlavaCluster.Grains.Decoding;

/// <summary>A conversation that this silo's replica has computed.</summary>
/// <param name="Session">Its session.</param>
/// <param name="Tenant">Whose it is.</param>
/// <param name="Blocks">KV blocks that it filled.</param>
internal readonly record struct ServedSession(string Session, string Tenant, int Blocks);

/// <summary>
/// The conversations that this silo's replica computed last and of which no sequence is here now, latest first. Their KV is the last that
/// the engine's cache gives up; whether it still has it nobody asks. Any thread.
/// </summary>
internal sealed class LastServed
{
    /// <summary>So many are known.</summary>
    public const int Most = 4096;

    private readonly Lock _gate = new();
    private readonly LinkedList<ServedSession> _latest = [];
    private readonly Dictionary<string, LinkedListNode<ServedSession>> _nodes = [];

    /// <summary>A sequence of it has ended.</summary>
    public void Note(ServedSession served)
    {
        if (served.Session.Length == 0 || served.Blocks == 0)
        {
            return;
        }

        lock (_gate)
        {
            Remove(served.Session);
            _nodes.Add(served.Session, _latest.AddFirst(served));
            if (_latest.Count > Most)
            {
                Remove(_latest.Last!.Value.Session);
            }
        }
    }

    /// <summary>A sequence of it begins, or it is deleted.</summary>
    public void Remove(string session)
    {
        lock (_gate)
        {
            if (_nodes.Remove(session, out var node))
            {
                _latest.Remove(node);
            }
        }
    }

    /// <summary>Drops those whose blocks cannot be there, beside those of the later ones, when there are so many in all.</summary>
    public void Keep(long blocks)
    {
        lock (_gate)
        {
            var kept = 0;
            foreach (var served in _latest)
            {
                blocks -= served.Blocks;
                if (blocks < 0)
                {
                    break;
                }

                kept++;
            }

            while (_latest.Count > kept)
            {
                Remove(_latest.Last!.Value.Session);
            }
        }
    }

    /// <summary>Takes the latest out; null: there is none.</summary>
    public ServedSession? Take()
    {
        lock (_gate)
        {
            if (_latest.First?.Value is not { } latest)
            {
                return null;
            }

            Remove(latest.Session);
            return latest;
        }
    }
}
