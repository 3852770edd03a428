using LlavaCluster.Model.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Collectives;

public sealed class InProcessCollectiveTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void AllReduceSum_AnyRanks_GivesEveryRankTheSameSum(int ranks)
    {
        var results = OnRanks(ranks, collective =>
        {
            using var tensor = full(2, 3, value: (float)(collective.Rank + 1));
            for (var i = 0; i < 50; i++)
            {
                collective.AllReduceSum(tensor);
                tensor.div_(ranks);
            }

            collective.AllReduceSum(tensor);
            return tensor.data<float>().ToArray();
        });
        Assert.All(results, sum => Assert.All(sum, x => Assert.Equal(ranks * (ranks + 1) / 2f, x, 1e-3)));
        Assert.All(results, sum => Assert.Equal(results[0], sum));
    }

    [Fact]
    public void AllReduceSum_BFloat16_AddsInFloat32()
    {
        // 256 + 1 is 256 in bfloat16: only a wider sum notices the small parts.
        var results = OnRanks(5, collective =>
        {
            using var tensor = full(1, value: collective.Rank == 0 ? 256f : 1f).to(ScalarType.BFloat16);
            collective.AllReduceSum(tensor);
            return tensor.to(ScalarType.Float32).data<float>()[0];
        });
        Assert.All(results, sum => Assert.Equal(260, sum));
    }

    [Fact]
    public void AllGather_UnevenParts_JoinsThemInOrder()
    {
        var results = OnRanks(3, collective =>
        {
            using var local = full(2, collective.Rank + 1, value: (float)collective.Rank);
            using var all = collective.AllGather(local, [1, 2, 3]);
            return (all.shape, Row: all[1].data<float>().ToArray());
        });
        Assert.All(results, result => Assert.Equal([2, 6], result.shape));
        Assert.All(results, result => Assert.Equal([0, 1, 1, 2, 2, 2], result.Row));
    }

    [Fact]
    public void Broadcast_FromAnyRank_ReplacesTheOthers()
    {
        var results = OnRanks(3, collective =>
        {
            using var tensor = full(2, value: (float)collective.Rank);
            collective.Broadcast(tensor, root: 2);
            return tensor.data<float>()[1];
        });
        Assert.All(results, value => Assert.Equal(2, value));
    }

    [Fact]
    public void AllReduceSum_ShapesThatDoNotMatch_EndsEveryRank()
    {
        var errors = OnRanks(3, collective => Record.Exception(() =>
        {
            using var tensor = ones(collective.Rank == 1 ? 3 : 2);
            collective.AllReduceSum(tensor);
            collective.AllReduceSum(tensor);
        }));
        Assert.All(errors, Assert.NotNull);
    }

    [Fact]
    public async Task Abort_WhileOthersWait_EndsThemWithItsReason()
    {
        var ends = InProcessCollective.Create(2);
        var waiting = Task.Run(() => Record.Exception(() =>
        {
            using var tensor = ones(1);
            ends[0].AllReduceSum(tensor);
        }));
        ends[1].Abort("rank 1 lost its GPU.");
        var error = Assert.IsType<CollectiveAbortedException>(await waiting);
        Assert.Equal("The ranks no longer work together: rank 1 lost its GPU. They must be formed anew.", error.Message);
    }

    [Fact]
    public void Create_TokenCancelled_EndsEveryRank()
    {
        using var stop = new CancellationTokenSource();
        var ends = InProcessCollective.Create(2, stop.Token);
        stop.Cancel();
        using var tensor = ones(1);
        Assert.Throws<CollectiveAbortedException>(() => ends[0].Broadcast(tensor, 0));
    }

    private static T[] OnRanks<T>(int ranks, Func<ICollective, T> work)
    {
        var ends = InProcessCollective.Create(ranks);
        var results = new T[ranks];
        var threads = ends.Select(end => new Thread(() => results[end.Rank] = work(end))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        return results;
    }
}
