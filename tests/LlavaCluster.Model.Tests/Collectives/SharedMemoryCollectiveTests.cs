using System.Net;
using LlavaCluster.Core.Links;
using LlavaCluster.Model.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Collectives;

public sealed class SharedMemoryCollectiveTests : CollectiveSuite
{
    // Small, so that the suite's tensors go through it in many pieces; sleeping at once, so that waking is tried too.
    private static readonly TcpCollectiveOptions Options = new() { SharedMemory = true, SharedMemoryBytes = 50_000, Spin = TimeSpan.Zero };

    [Fact]
    public void Join_AllHaveOpenedTheMemory_LeavesNoFileBehind()
    {
        var before = Boards();
        var ends = TcpReplica.Form(2, Options);
        Assert.Empty(Boards().Except(before));
        Array.ForEach([.. ends], end => end.Dispose());
    }

    [Fact]
    public async Task Join_OptionsThatDiffer_SaysSo()
    {
        using var first = new RankListener(IPAddress.Loopback);
        using var second = new RankListener(IPAddress.Loopback);
        TcpCollective Join(int rank, RankListener listener) => TcpCollective.Join(
            listener,
            [first.Address, second.Address],
            Guid.Empty,
            0,
            rank,
            Options with { SharedMemoryBytes = 64_000 + (rank * 64_000) },
            TimeProvider.System);
        var other = Task.Run(() => Record.Exception(() => Join(1, second)));
        var told = Assert.Throws<CollectiveAbortedException>(() => Join(0, first));
        Assert.EndsWith("Give all ranks the same options.", Assert.IsType<InvalidDataException>(await other).Message);
        Assert.Contains("rank 1 cannot share memory: ", told.Message);
    }

    [Fact]
    public void AllReduceSum_OtherRankHasLeft_SaysSoAndDoesNotWaitForIt()
    {
        var ends = TcpReplica.Form(2, Options with { CallPatience = TimeSpan.FromMinutes(10) });
        ends[1].Dispose();
        using var tensor = ones(1);
        var error = Assert.Throws<CollectiveAbortedException>(() => ends[0].AllReduceSum(tensor));
        Assert.Equal("The ranks no longer work together: rank 1 has left. They must be formed anew.", error.Message);
        ends[0].Dispose();
    }

    [Fact]
    public void AllReduceSum_InSteadyState_AllocatesNothing()
    {
        var allocated = OnRanks(2, collective =>
        {
            using var tensor = ones(30_000);
            var before = 0L;
            for (var i = 0; i < 300; i++)
            {
                before = i == 200 ? GC.GetAllocatedBytesForCurrentThread() : before;
                collective.AllReduceSum(tensor);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
        Assert.All(allocated, bytes => Assert.InRange(bytes, 0, 200));
    }

    private protected override IReadOnlyList<ICollective> Create(int ranks) => TcpReplica.Form(ranks, Options);

    private static string[] Boards() => Directory.GetFiles("/dev/shm", "llava-*");
}
