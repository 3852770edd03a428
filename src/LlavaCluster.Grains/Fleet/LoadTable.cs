using System.Collections.Concurrent;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Fleet;

/// <summary>The last report of every silo. Written by gossip, read without waiting. Any thread.</summary>
internal sealed class LoadTable(TimeProvider time)
{
    /// <summary>A silo that was not heard of for so long is sent nothing while there are others; its membership is another matter.</summary>
    public static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<SiloAddress, Entry> _entries = [];

    /// <summary>Takes a report, unless a later one came before it.</summary>
    public void Put(SiloReportMessage report)
    {
        var entry = new Entry(report, time.GetTimestamp());
        _entries.AddOrUpdate(report.Silo, entry, (_, old) => report.Number > old.Report.Number ? entry : old);
    }

    /// <summary>A silo's last report and its age, or null.</summary>
    public (SiloReportMessage Report, TimeSpan Age)? Find(SiloAddress silo) =>
        _entries.TryGetValue(silo, out var entry) ? (entry.Report, time.GetElapsedTime(entry.At)) : null;

    /// <summary>All last reports, with their ages.</summary>
    public IEnumerable<(SiloReportMessage Report, TimeSpan Age)> All() =>
        _entries.Values.Select(entry => (entry.Report, time.GetElapsedTime(entry.At)));

    /// <summary>Drops silos that are gone.</summary>
    public void KeepOnly(IReadOnlySet<SiloAddress> silos)
    {
        foreach (var silo in _entries.Keys.Where(silo => !silos.Contains(silo)))
        {
            _entries.TryRemove(silo, out _);
        }
    }

    private sealed record Entry(SiloReportMessage Report, long At);
}
