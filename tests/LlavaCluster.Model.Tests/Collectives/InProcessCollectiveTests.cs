using LlavaCluster.Model.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Collectives;

public sealed class InProcessCollectiveTests : CollectiveSuite
{
    [Fact]
    public void Create_TokenCancelled_EndsEveryRank()
    {
        using var stop = new CancellationTokenSource();
        var ends = InProcessCollective.Create(2, stop.Token);
        stop.Cancel();
        using var tensor = ones(1);
        Assert.Throws<CollectiveAbortedException>(() => ends[0].Broadcast(tensor, 0));
    }

    private protected override IReadOnlyList<ICollective> Create(int ranks) => InProcessCollective.Create(ranks);
}
