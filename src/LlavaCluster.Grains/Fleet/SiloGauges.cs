using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Fleet;

/// <summary>What this silo counts for its reports. Any thread.</summary>
internal sealed class SiloGauges
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TurnWorkMessage> _work = [];
    private int _sessions;
    private long _answered;
    private long _computed;
    private long _ended;

    /// <summary>Conversations that live here.</summary>
    public int Sessions => Volatile.Read(ref _sessions);

    /// <summary>Tokens of answers since the start.</summary>
    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Tokens computed since the start.</summary>
    public long Computed => Interlocked.Read(ref _computed);

    /// <summary>Turns that ended since the start.</summary>
    public long Ended => Interlocked.Read(ref _ended);

    /// <summary>A conversation came or went.</summary>
    public void CountSession(int difference) => Interlocked.Add(ref _sessions, difference);

    /// <summary>The engine computed a step.</summary>
    public void CountStep(int tokens, int sampled)
    {
        Interlocked.Add(ref _computed, tokens);
        Interlocked.Add(ref _answered, sampled);
    }

    /// <summary>Work of a tenant's turns came, or, where it is negative, is done.</summary>
    public void Count(string tenant, TurnWorkMessage work)
    {
        Interlocked.Add(ref _ended, Math.Max(0, -work.Turns));
        lock (_gate)
        {
            var all = _work.GetValueOrDefault(tenant) + work;
            if (all == default)
            {
                _work.Remove(tenant);
            }
            else
            {
                _work[tenant] = all;
            }
        }
    }

    /// <summary>What the turns here ask for, by tenant; tenants without are left out.</summary>
    public IReadOnlyDictionary<string, TurnWorkMessage> Work()
    {
        lock (_gate)
        {
            return new Dictionary<string, TurnWorkMessage>(_work);
        }
    }
}
