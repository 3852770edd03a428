using LlavaCluster.Model.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Collectives;

/// <summary>The binding's own work: ids, order, errors, abort, end. The library behind it computes on the host.</summary>
public sealed class NcclCollectiveTests : CollectiveSuite
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>NCCL's abort says nothing; the plan link does.</summary>
    protected override bool TellsReasons => false;

    [Fact]
    public void Open_LibraryThatIsNotThere_SaysWhatToInstall()
    {
        var error = Assert.Throws<DllNotFoundException>(() => NcclLibrary.Open("/nowhere/libnccl.so.2"));
        Assert.StartsWith("NCCL is not found as /nowhere/libnccl.so.2. Ranks on GPUs need it: install NVIDIA's package libnccl2", error.Message);
    }

    [Fact]
    public void Open_LibraryThatIsAnother_SaysWhatItLacks()
    {
        var error = Assert.Throws<DllNotFoundException>(() => NcclLibrary.Open("libc.so.6"));
        Assert.StartsWith("libc.so.6 has no ncclGetVersion: it is not NCCL", error.Message);
    }

    [Fact]
    public void NewId_Twice_GivesTwoIdsAndTheVersionIsRead()
    {
        Assert.Equal(22_809, FakeNccl.Library.Version);
        var (first, second) = (FakeNccl.Library.NewId(), FakeNccl.Library.NewId());
        Assert.Equal(NcclLibrary.IdBytes, first.Length);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public void Join_IdOfAnotherLength_IsRefused() => Assert.StartsWith(
        "An NCCL id has 128 bytes; this one has 3.",
        Assert.Throws<ArgumentException>(() => NcclCollective.Join(FakeNccl.Library, [1, 2, 3], 0, 1, Patience, TimeProvider.System)).Message);

    [Fact]
    public void Join_NcclRefuses_SaysWhatItSays()
    {
        var error = Assert.Throws<NcclException>(
            () => NcclCollective.Join(FakeNccl.Library, FakeNccl.Library.NewId(), 5, 2, Patience, TimeProvider.System));
        Assert.Equal("ncclCommInitRankConfig: invalid argument (4): rank 5 of 2", error.Message);
    }

    [Fact]
    public void Join_OthersNeverCome_EndsAfterItsPatience()
    {
        var error = Assert.Throws<CollectiveAbortedException>(() => NcclCollective.Join(
            FakeNccl.Library, FakeNccl.Library.NewId(), 1, 2, TimeSpan.FromMilliseconds(60), TimeProvider.System));
        Assert.Contains("rank 1 waited 0.1 s for the others to join NCCL's 2 ranks.", error.Message);
    }

    [Fact]
    public async Task Join_Stopped_Ends()
    {
        using var stop = new CancellationTokenSource();
        var joining = Task.Factory.StartNew(
            () => NcclCollective.Join(FakeNccl.Library, FakeNccl.Library.NewId(), 0, 2, Patience, TimeProvider.System, stop.Token),
            TaskCreationOptions.LongRunning);
        await stop.CancelAsync();
        await Assert.ThrowsAsync<CollectiveAbortedException>(() => joining.WaitAsync(Patience));
    }

    [Fact]
    public void Call_ThatNcclRefuses_EndsTheRankWithItsWords()
    {
        using var alone = Assert.Single(Create(1));
        using var tensor = ones(2);
        FakeNccl.FailNext(1);
        var error = Assert.Throws<CollectiveAbortedException>(() => alone.AllReduceSum(tensor));
        Assert.Contains("rank 0 failed: ncclAllReduce: unhandled cuda error (1): planned by the test.", error.Message);
        Assert.Throws<CollectiveAbortedException>(() => alone.AllReduceSum(tensor));
    }

    [Fact]
    public void Broadcast_RootThatIsNoRank_EndsTheRankWithItsWords()
    {
        using var alone = Assert.Single(Create(1));
        using var tensor = ones(2);
        var error = Assert.Throws<CollectiveAbortedException>(() => alone.Broadcast(tensor, 4));
        Assert.Contains("ncclBroadcast: invalid argument (4): root 4 of 1 ranks", error.Message);
    }

    [Fact]
    public async Task OtherRankIsGone_WhileNoCallIsMade_IsNoticed()
    {
        var ends = Create(2);
        ends[1].Abort("its GPU is lost.");
        using var patience = new CancellationTokenSource(Patience);
        Exception? error = null;
        while (error is null)
        {
            patience.Token.ThrowIfCancellationRequested();
            error = Record.Exception(ends[0].ThrowIfAborted);
            await Task.Yield();
        }

        Assert.Contains(
            "NCCL on rank 0: remote process exited or there was a network error (6): rank 1 of 2 is gone.",
            Assert.IsType<CollectiveAbortedException>(error).Message);
        Array.ForEach([.. ends], end => end.Dispose());
    }

    [Fact]
    public void Dispose_AllRanks_LeavesNoFileBehind()
    {
        var before = Directory.GetFiles("/dev/shm", "fakenccl-*");
        var ends = Create(3);
        var mine = Directory.GetFiles("/dev/shm", "fakenccl-*").Except(before).ToArray();
        Array.ForEach([.. ends], end => end.Dispose());
        Assert.NotEmpty(mine);
        Assert.All(mine.Intersect(Directory.GetFiles("/dev/shm", "fakenccl-*")), Assert.Null);
    }

    private protected override IReadOnlyList<ICollective> Create(int ranks)
    {
        var id = FakeNccl.Library.NewId();
        return Task.WhenAll(Enumerable.Range(0, ranks).Select(rank => Task.Factory.StartNew(
            () => NcclCollective.Join(FakeNccl.Library, id, rank, ranks, Patience, TimeProvider.System),
            TaskCreationOptions.LongRunning))).GetAwaiter().GetResult();
    }
}
