using System.Net;
using System.Security.Cryptography;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Tests.Golden;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Collectives;

/// <summary>
/// This assembly as one rank of a replica. It says where it listens, reads where the others do, joins them, works, and says what came of
/// it, one line each.
/// </summary>
internal static class RankProgram
{
    /// <summary>Follows the leader's plans with the golden checkpoint "yi".</summary>
    public const string Follow = "follow";

    /// <summary>Many sums of many sizes; answers with the hash of all their bits, then waits in a sum that the last rank
    /// never joins.</summary>
    public const string Sums = "sums";

    public static readonly Guid Replica = new("11111111-2222-3333-4444-555555555555");

    /// <summary>Silence is not tested here; a busy machine's processes may be silent for a while.</summary>
    public static readonly ShardLinkOptions LinkOptions = new() { Silence = TimeSpan.FromSeconds(60) };

    public static async Task<int> RunAsync(string[] args)
    {
        var (rank, ranks, work, sharedMemory) = (int.Parse(args[0]), int.Parse(args[1]), args[2], bool.Parse(args[3]));
        set_num_threads(1);
        using var listener = new RankListener(IPAddress.Loopback);
        Console.WriteLine(listener.Address);
        var addresses = Console.ReadLine()!.Split(' ').Select(IPEndPoint.Parse).ToArray();
        var collective = TcpCollective.Join(
            listener, addresses[..ranks], Replica, 1, rank, new TcpCollectiveOptions { SharedMemory = sharedMemory }, TimeProvider.System);
        if (work == Follow)
        {
            using var link = TcpShardFollowerLink.Join(
                addresses[ranks], Replica, 0, rank, ranks, LinkOptions, TimeProvider.System, collective.Abort);
            await using var follower = new ShardFollower(rank, 0, () => GoldenModel.OnCpu("yi").Runner(collective), link);
            await follower.StartAsync();
            await follower.Completion;
            Console.WriteLine("stopped");
            return 0;
        }

        Console.WriteLine(HashOfSums(collective));
        if (rank == ranks - 1)
        {
            // Until it is killed.
            Console.ReadLine();
            return 0;
        }

        try
        {
            using var tensor = ones(1);
            collective.AllReduceSum(tensor);
            return 0;
        }
        catch (CollectiveAbortedException error)
        {
            Console.WriteLine(error.Message);
            return 3;
        }
    }

    /// <summary>Depends on every bit of every sum.</summary>
    public static string HashOfSums(ICollective collective)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var chance = new Generator(5);
        for (var i = 0; i < 60; i++)
        {
            using var whole = randn(collective.Ranks, 1 + (i * i * 40), generator: chance);
            using var mine = whole[collective.Rank].to(i % 2 == 0 ? ScalarType.Float32 : ScalarType.BFloat16, copy: true);
            collective.AllReduceSum(mine);
            hash.AppendData(mine.bytes);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
