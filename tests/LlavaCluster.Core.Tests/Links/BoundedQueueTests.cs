using LlavaCluster.Core.Links;
using Xunit;

namespace LlavaCluster.Core.Tests.Links;

public sealed class BoundedQueueTests
{
    [Theory]
    [InlineData(1, 1_000)]
    [InlineData(100, 10)]
    public async Task TryPut_Full_WaitsUntilOneIsTaken(int count, long bytes)
    {
        var queue = new BoundedQueue<string>(count, bytes);
        Assert.True(queue.TryPut("a", 6));
        var second = Task.Factory.StartNew(() => queue.TryPut("b", 6), TaskCreationOptions.LongRunning);
        Assert.False(second.IsCompleted);
        Assert.True(queue.TryTake(out var first, default));
        Assert.Equal("a", first);
        Assert.True(await second.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void TryPut_LargerThanAllAllowed_GoesInAlone() => Assert.True(new BoundedQueue<int>(5, 10).TryPut(1, 100));

    [Fact]
    public async Task Close_OneWaitsToPut_ItIsToldAndTheRestCanBeTaken()
    {
        var queue = new BoundedQueue<int>(1, 10);
        queue.TryPut(1, 1);
        var second = Task.Factory.StartNew(() => queue.TryPut(2, 1), TaskCreationOptions.LongRunning);
        queue.Close();
        Assert.False(await second.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.True(queue.TryTake(out _, default));
        Assert.False(queue.TryTake(out _, default));
    }

    [Fact]
    public async Task TryTake_Cancelled_Ends()
    {
        using var stop = new CancellationTokenSource();
        var queue = new BoundedQueue<int>(1, 10);
        var take = Task.Factory.StartNew(() => queue.TryTake(out _, stop.Token), TaskCreationOptions.LongRunning);
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => take.WaitAsync(TimeSpan.FromSeconds(30)));
    }
}
