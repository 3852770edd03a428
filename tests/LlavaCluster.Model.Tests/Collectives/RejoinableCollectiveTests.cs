using LlavaCluster.Model.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Collectives;

public sealed class RejoinableCollectiveTests
{
    [Fact]
    public void OutsideAFormation_EveryCallIsAborted()
    {
        using var end = new RejoinableCollective(1, 2);
        using var tensor = ones(3);

        var error = Assert.Throws<CollectiveAbortedException>(() => end.AllReduceSum(tensor));

        Assert.Equal("The ranks no longer work together: rank 1 belongs to no formation. They must be formed anew.", error.Message);
        end.Abort("nobody is there");
    }

    [Fact]
    public async Task FormedTwice_SumsEachTimeAndIsAbortedBetween()
    {
        using RejoinableCollective zero = new(0, 2), one = new(1, 2);
        for (var formation = 0; formation < 2; formation++)
        {
            var ends = InProcessCollective.Create(2);
            zero.Attach(ends[0]);
            one.Attach(ends[1]);
            var sums = await Task.WhenAll(Task.Run(() => Sum(zero)), Task.Run(() => Sum(one)));
            Assert.Equal([3f, 3f], sums);

            zero.Abort("rank 1 is lost.");
            Assert.Throws<CollectiveAbortedException>(() => Sum(one));
        }

        zero.Detach();
        Assert.Throws<CollectiveAbortedException>(zero.ThrowIfAborted);
    }

    [Fact]
    public void Attach_EndOfAnotherRank_IsRefused()
    {
        using var end = new RejoinableCollective(1, 2);
        var others = InProcessCollective.Create(3);

        var error = Assert.Throws<ArgumentException>(() => end.Attach(others[0]));

        Assert.StartsWith("The collective is of rank 0 of 3; the weights are of rank 1 of 2.", error.Message);
    }

    private static float Sum(ICollective end)
    {
        using var tensor = full(1, value: end.Rank + 1f);
        end.AllReduceSum(tensor);
        return tensor.item<float>();
    }
}
