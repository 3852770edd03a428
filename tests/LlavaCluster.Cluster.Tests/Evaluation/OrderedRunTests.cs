using LlavaCluster.Silo.Evaluation;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Evaluation;

public sealed class OrderedRunTests
{
    [Fact]
    public async Task EachAsync_LaterOnesEndFirst_ResultsComeInOrder()
    {
        var gates = Enumerable.Range(0, 4).Select(_ => new TaskCompletionSource()).ToArray();
        var run = Collect(OrderedRun.EachAsync(
            Enumerable.Range(0, 4),
            4,
            async (i, _) =>
            {
                await gates[i].Task;
                return i;
            },
            CancellationToken.None));
        foreach (var gate in gates.Reverse())
        {
            gate.SetResult();
        }

        Assert.Equal([0, 1, 2, 3], await run);
    }

    [Fact]
    public async Task EachAsync_ManyThings_NoMoreThanAllowedAreUnderWay()
    {
        var (running, most) = (0, 0);
        var results = await Collect(OrderedRun.EachAsync(
            Enumerable.Range(0, 50),
            3,
            async (i, _) =>
            {
                var now = Interlocked.Increment(ref running);
                most = Math.Max(most, now);
                await Task.Yield();
                Interlocked.Decrement(ref running);
                return i;
            },
            CancellationToken.None));

        Assert.Equal(Enumerable.Range(0, 50), results);
        Assert.InRange(most, 1, 3);
    }

    [Fact]
    public async Task EachAsync_WorkThatThrows_EndsTheOthersAndThrows()
    {
        var (begun, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        var thrown = await Assert.ThrowsAsync<FormatException>(() => Collect(OrderedRun.EachAsync(
            Enumerable.Range(0, 2),
            2,
            async (i, cancel) =>
            {
                if (i == 0)
                {
                    // Not before the other is under way: it would not be begun any more.
                    await begun.Task;
                    throw new FormatException("first");
                }

                cancel.Register(ended.SetResult);
                begun.SetResult();
                await new TaskCompletionSource().Task.WaitAsync(cancel);
                return i;
            },
            CancellationToken.None)));

        Assert.Equal("first", thrown.Message);
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task EachAsync_ThingsThatThrow_ThrowsWhatTheyThrew()
    {
        static IEnumerable<int> Things()
        {
            yield return 1;
            throw new FormatException("no second");
        }

        var thrown = await Assert.ThrowsAsync<FormatException>(
            () => Collect(OrderedRun.EachAsync(Things(), 2, (i, _) => Task.FromResult(i), CancellationToken.None)));
        Assert.Equal("no second", thrown.Message);
    }

    [Fact]
    public async Task EachAsync_Cancelled_Ends()
    {
        using var cancel = new CancellationTokenSource();
        var run = Collect(OrderedRun.EachAsync(
            Enumerable.Range(0, 10),
            2,
            async (i, token) =>
            {
                await cancel.CancelAsync();
                await new TaskCompletionSource().Task.WaitAsync(token);
                return i;
            },
            cancel.Token));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    private static async Task<List<int>> Collect(IAsyncEnumerable<int> results)
    {
        var all = new List<int>();
        await foreach (var result in results)
        {
            all.Add(result);
        }

        return all;
    }
}
