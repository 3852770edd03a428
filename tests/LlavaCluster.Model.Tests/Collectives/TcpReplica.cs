using System.Net;
using LlavaCluster.Core.Links;
using LlavaCluster.Model.Collectives;

namespace LlavaCluster.Model.Tests.Collectives;

/// <summary>Forms TCP collectives of threads of this process.</summary>
internal static class TcpReplica
{
    public static IReadOnlyList<TcpCollective> Form(int ranks, TcpCollectiveOptions options)
    {
        var listeners = Enumerable.Range(0, ranks).Select(_ => new RankListener(IPAddress.Loopback, secure: options.Secure)).ToArray();
        try
        {
            var addresses = listeners.Select(listener => listener.Address).ToArray();
            var replica = Guid.NewGuid();
            return Task.WhenAll(Enumerable.Range(0, ranks).Select(rank => Task.Factory.StartNew(
                () => TcpCollective.Join(listeners[rank], addresses, replica, 3, rank, options, TimeProvider.System),
                TaskCreationOptions.LongRunning))).GetAwaiter().GetResult();
        }
        finally
        {
            Array.ForEach(listeners, listener => listener.Dispose());
        }
    }
}
