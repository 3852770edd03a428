using System.Net;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Tests.Engine;

namespace LlavaCluster.Core.Tests.Links;

/// <summary>Real plan links between threads of this process.</summary>
internal static class PlanLinks
{
    /// <summary>A leader's end, and those of its followers in order of ranks; epoch 0.</summary>
    public static async Task<(TcpShardLink Leader, TcpShardFollowerLink[] Followers)> FormAsync(
        int followers, Action<int, string>? onLost = null)
    {
        var replica = Guid.NewGuid();
        using var listener = new RankListener(IPAddress.Loopback);
        // The beats of a busy test machine may be late; what silence does is tested by a clock of its own.
        var options = new ShardLinkOptions { Silence = TimeSpan.FromSeconds(30) };
        var leader = Task.Run(() => TcpShardLink.Form(listener, replica, 0, followers + 1, options, TimeProvider.System, onLost));
        var ends = await Task.WhenAll(Enumerable.Range(1, followers).Select(rank => Task.Run(() => TcpShardFollowerLink.Join(
            listener.Address, replica, 0, rank, followers + 1, options, TimeProvider.System)))).WaitAsync(DecodeLoopHost.Patience);
        return (await leader.WaitAsync(DecodeLoopHost.Patience), ends);
    }
}
