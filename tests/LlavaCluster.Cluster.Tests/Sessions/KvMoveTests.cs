using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;
using static LlavaCluster.Cluster.Tests.Sessions.TwoDecoders;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A session that goes on at another replica has its KV brought there.</summary>
public sealed class KvMoveTests(TwoDecoders cluster) : IClassFixture<TwoDecoders>
{
    internal const string Long = "one and two and three and four and five and six and seven and eight and nine and ten and eleven and twelve";

    [Fact]
    public async Task Turn_ItsReplicaDrains_TheOtherOneFindsWhatWasComputed()
    {
        var mirror = new Answers.Mirror();
        var (first, second) = (mirror.Next(Long, []), mirror.Next("go on", []));
        var begun = await cluster.ChatAsync("drained", Turn("a", Long)).WaitAsync(Patience);
        Assert.Equal(first, begun.Tokens());
        var old = begun.Started().Replica;
        await cluster.Session("drained").Fork("", "drained-fork");
        cluster.States[old].IsDraining = true;
        try
        {
            await cluster.HeardAsync(0);

            // A fork goes elsewhere like its parent; what it brought there the parent finds.
            var fork = await cluster.ChatAsync("drained-fork", Turn("b", "go on")).WaitAsync(Patience);
            var moved = cluster.Fetched(Other(old));
            var parent = await cluster.ChatAsync("drained", Turn("b", "go on")).WaitAsync(Patience);

            Assert.Equal(second, fork.Tokens());
            Assert.Equal(second, parent.Tokens());
            Assert.Equal((Other(old), Other(old)), (fork.Started().Replica, parent.Started().Replica));
            Assert.InRange(moved, 2, 100);
            Assert.Equal(16 * moved, fork.Started().CachedTokens);
            Assert.InRange(parent.Started().CachedTokens, fork.Started().CachedTokens, 1000);
            Assert.Equal(moved, cluster.Fetched(Other(old)));
        }
        finally
        {
            cluster.States[old].IsDraining = false;
            await cluster.HeardAsync(0);
        }
    }
}
