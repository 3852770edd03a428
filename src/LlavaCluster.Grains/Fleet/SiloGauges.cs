using System.Collections.Concurrent;

namespace LlavaCluster.Grains.Fleet;

/// <summary>What this silo counts for its reports. Any thread.</summary>
internal sealed class SiloGauges
{
    private readonly ConcurrentDictionary<string, int> _turns = [];
    private int _sessions;
    private long _answered;
    private long _computed;

    /// <summary>Conversations that live here.</summary>
    public int Sessions => Volatile.Read(ref _sessions);

    /// <summary>Tokens of answers since the start.</summary>
    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Tokens computed since the start.</summary>
    public long Computed => Interlocked.Read(ref _computed);

    /// <summary>A conversation came or went.</summary>
    public void CountSession(int difference) => Interlocked.Add(ref _sessions, difference);

    /// <summary>The engine computed a step.</summary>
    public void CountStep(int tokens, int sampled)
    {
        Interlocked.Add(ref _computed, tokens);
        Interlocked.Add(ref _answered, sampled);
    }

    /// <summary>A turn of a tenant runs, until the result is disposed.</summary>
    public IDisposable CountTurn(string tenant)
    {
        _turns.AddOrUpdate(tenant, 1, (_, count) => count + 1);
        return new CountedTurn(this, tenant);
    }

    /// <summary>Turns that run, by tenant; tenants without are left out.</summary>
    public IReadOnlyDictionary<string, int> Turns() => _turns.Where(turns => turns.Value > 0).ToDictionary();

    private sealed class CountedTurn(SiloGauges gauges, string tenant) : IDisposable
    {
        public void Dispose() => gauges._turns.AddOrUpdate(tenant, 0, (_, count) => count - 1);
    }
}
