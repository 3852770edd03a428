using System.Net;
using LlavaCluster.Core.Links;
using LlavaCluster.Model.Collectives;

namespace LlavaCluster.Benchmarks.Collectives;

/// <summary>Ranks that are threads of this process; their bytes go through sockets and shared memory just as between processes.</summary>
internal static class RankThreads
{
    /// <summary>The ranks' ends, joined.</summary>
    public static IReadOnlyList<ICollective> Form(int ranks, TcpCollectiveOptions options)
    {
        var listeners = Enumerable.Range(0, ranks).Select(_ => new RankListener(IPAddress.Loopback)).ToArray();
        var addresses = listeners.Select(listener => listener.Address).ToArray();
        return Start(ranks, rank => TcpCollective.Join(listeners[rank], addresses, Guid.Empty, 0, rank, options, TimeProvider.System));
    }

    /// <summary>What each rank makes on a thread of its own, since they wait for each other.</summary>
    public static IReadOnlyList<T> Start<T>(int ranks, Func<int, T> join) =>
        Task.WhenAll(Enumerable.Range(0, ranks).Select(rank => Task.Factory.StartNew(
            () => join(rank), TaskCreationOptions.LongRunning))).GetAwaiter().GetResult();
}
