using System.Net;
using System.Net.Sockets;
using LlavaCluster.Core.Links;
using LlavaCluster.Model.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Collectives;

public sealed class TcpCollectiveTests : CollectiveSuite
{
    [Fact]
    public void AllReduceSum_RanksThatDoNotDoTheSame_SaysWhatCameAndWhatWasDue()
    {
        var errors = OnRanks(2, collective => Record.Exception(() =>
        {
            using var tensor = ones(collective.Rank == 1 ? 3 : 2);
            collective.AllReduceSum(tensor);
        }));
        // Both find out; whoever is first tells the other.
        Assert.All(errors, error => Assert.Matches(
            "rank (0 sent 8|1 sent 12) bytes of Float32 for AllReduce in exchange 1, where (12|8) bytes of Float32 .* was due", error!.Message));
    }

    [Fact]
    public void AllReduceSum_TypeThatIsNotSummed_EndsEveryRank()
    {
        var errors = OnRanks(2, collective => Record.Exception(() =>
        {
            using var tensor = ones(2, collective.Rank == 1 ? ScalarType.Int64 : ScalarType.Float32);
            collective.AllReduceSum(tensor);
        }));
        Assert.IsType<ArgumentException>(errors[1]);
        Assert.Contains("rank 1 failed: Tensors of type Int64 are not summed", errors[0]!.Message);
    }

    [Fact]
    public void AllGather_LengthsThatDoNotFit_SaysBoth()
    {
        var errors = OnRanks(1, collective => Record.Exception(() =>
        {
            using var tensor = ones(2, 3);
            collective.AllGather(tensor, [4]);
        }));
        Assert.StartsWith("Rank 0 of 1 gathers a tensor [2, 3] as one of lengths [4].", errors[0]!.Message);
    }

    [Fact]
    public void AllReduceSum_NobodyElseCalls_EndsAfterItsPatience()
    {
        var ends = TcpReplica.Form(2, new TcpCollectiveOptions { CallPatience = TimeSpan.FromMilliseconds(50) });
        using var tensor = ones(4);
        var error = Assert.Throws<CollectiveAbortedException>(() => ends[0].AllReduceSum(tensor));
        Assert.Contains("rank 0 waited 0.1 s for rank 1 in exchange 1.", error.Message);
        // Rank 0 had sent its part before: what rank 1 notices at the latest is that the next never comes.
        var late = Record.Exception(() =>
        {
            ends[1].AllReduceSum(tensor);
            ends[1].AllReduceSum(tensor);
        });
        Assert.Contains("rank 0 waited 0.1 s for rank 1", Assert.IsType<CollectiveAbortedException>(late).Message);
        Array.ForEach([.. ends], end => end.Dispose());
    }

    [Fact]
    public void AllReduceSum_InSteadyState_AllocatesNothing()
    {
        var allocated = OnRanks(2, collective =>
        {
            using var small = ones(4_096);
            using var large = ones(300_000);
            var before = 0L;
            for (var i = 0; i < 300; i++)
            {
                if (i == 200)
                {
                    before = GC.GetAllocatedBytesForCurrentThread();
                }

                collective.AllReduceSum(small);
                collective.AllReduceSum(large);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
        Assert.All(allocated, bytes => Assert.InRange(bytes, 0, 200));
    }

    [Fact]
    public async Task Join_RanksOfAnotherEpochOrReplicaCall_TheyAreRefusedByNameAndTheOthersMeet()
    {
        using var first = new RankListener(IPAddress.Loopback);
        using var second = new RankListener(IPAddress.Loopback);
        IPEndPoint[] addresses = [first.Address, second.Address];
        var replica = Guid.NewGuid();
        var options = new TcpCollectiveOptions();
        var leader = Task.Run(() => TcpCollective.Join(first, addresses, replica, 3, 0, options, TimeProvider.System));
        string Refusal(Guid id, long epoch) => Assert.Throws<RankLinkException>(
            () => TcpCollective.Join(second, addresses, id, epoch, 1, options, TimeProvider.System)).Message;

        var other = Guid.NewGuid();
        Assert.Equal("Rank 0 refuses rank 1: Rank 1 is of epoch 2; rank 0 is of epoch 3.", Refusal(replica, 2));
        Assert.Equal($"Rank 0 refuses rank 1: Rank 1 belongs to replica {other}; rank 0 belongs to {replica}.", Refusal(other, 3));

        using var right = TcpCollective.Join(second, addresses, replica, 3, 1, options, TimeProvider.System);
        using var left = await leader;
        Assert.Equal((0, 1, 2), (left.Rank, right.Rank, right.Ranks));
    }

    [Fact]
    public void Join_RankThatNeverComes_IsNamed()
    {
        using var listener = new RankListener(IPAddress.Loopback);
        var options = new TcpCollectiveOptions { JoinPatience = TimeSpan.FromMilliseconds(60) };
        var error = Assert.Throws<RankLinkException>(() => TcpCollective.Join(
            listener, [listener.Address, listener.Address, listener.Address], Guid.Empty, 3, 0, options, TimeProvider.System));
        Assert.Equal("Rank 0 of epoch 3 waited 0.1 s; rank 1, 2 did not call.", error.Message);
    }

    [Fact]
    public async Task Join_StrangersCall_TheyDisturbNobody()
    {
        using var first = new RankListener(IPAddress.Loopback);
        using var second = new RankListener(IPAddress.Loopback);
        IPEndPoint[] addresses = [first.Address, second.Address];
        var options = new TcpCollectiveOptions();
        using var silent = new TcpClient();
        using var loud = new TcpClient();
        silent.Connect(first.Address);
        loud.Connect(first.Address);
        loud.GetStream().Write(Enumerable.Repeat((byte)'x', 5_000).ToArray());
        var leader = Task.Run(() => TcpCollective.Join(first, addresses, Guid.Empty, 3, 0, options, TimeProvider.System));
        using var right = TcpCollective.Join(second, addresses, Guid.Empty, 3, 1, options, TimeProvider.System);
        using var left = await leader;
        Assert.Equal(2, left.Ranks);
    }

    private protected override IReadOnlyList<ICollective> Create(int ranks) => TcpReplica.Form(ranks, new TcpCollectiveOptions());
}
