using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Model.Collectives;
using TorchSharp;
using Xunit;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>
/// On a replica of two ranks, each with its own slower memory, a conversation about a picture whose KV was taken from the device goes on
/// with the tokens and the log-probabilities, bit for bit, of one that stayed.
/// </summary>
public sealed class RankTierTests
{
    private const int Ranks = 2;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("vicuna", torch.ScalarType.Float32, KernelChoice.Fast, false)]
    [InlineData("mistral", torch.ScalarType.Float32, KernelChoice.Torch, false)]
    [InlineData("yi", torch.ScalarType.BFloat16, KernelChoice.Fast, true)]
    public async Task Generate_KvOfTwoRanksWasMovedDown_GivesTheBitsOfAHotTurn(
        string checkpoint, torch.ScalarType type, KernelChoice kernels, bool onDisk)
    {
        var model = GoldenModel.OnCpu(checkpoint, type);
        var golden = model.Case("strip");
        var first = TierTests.RequestOf(model, golden, golden.TokenIds);
        var second = TierTests.RequestOf(model, golden, [.. golden.TokenIds, .. golden.Tokens[..1], .. golden.TokenIds[^9..]]);
        var blocks = (second.TokenIds.Count / 16) + 3;
        var kept = (golden.TokenIds.Length + 11) / 16;
        (int Cached, string[] Tokens) hot, cold = default;
        await using (var replica = await Replica.StartAsync(model, golden, new DecodeLoopOptions(), end => model.Runner(end, blocks: 1024, kernels: kernels)))
        {
            await AskAsync(replica, first);
            hot = await AskAsync(replica, second);
        }

        var scratch = Directory.CreateTempSubdirectory("llava-kv-");
        try
        {
            var options = new DecodeLoopOptions { Tiers = new() { HostAfter = TimeSpan.Zero, DiskAfter = TimeSpan.Zero, GroupBlocks = 4 } };
            await using var replica = await Replica.StartAsync(model, golden, options, end => model.Runner(
                end, blocks, kernels, hostBlocks: onDisk ? kept : 1000, diskBlocks: onDisk ? 1000 : 0, folder: scratch.FullName));
            await AskAsync(replica, first);
            await replica.Loop.RestAsync().WaitAsync(Patience);
            var down = replica.Loop.Load.Tiers!;
            Assert.Equal(kept, onDisk ? down.Disk : down.Host);
            var files = scratch.GetFiles("*.kv", SearchOption.AllDirectories).GroupBy(file => file.DirectoryName).Select(group => group.Count()).ToArray();
            Assert.Equal(onDisk ? Enumerable.Repeat((kept + 3) / 4, Ranks) : [], files); // each rank has its own

            await AskAsync(replica, TierTests.RequestOf(model, golden, Enumerable.Repeat(7, (blocks * 16) - 20)) with { Images = [] });
            await replica.Loop.RestAsync().WaitAsync(Patience);
            cold = await AskAsync(replica, second);

            var tiers = replica.Loop.Load.Tiers!;
            Assert.InRange(tiers.FromHost + tiers.FromDisk, 1, kept);
            Assert.Equal(onDisk, tiers.FromDisk > 0);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }

        Assert.Equal(hot.Tokens, cold.Tokens);
        Assert.Equal(hot.Cached, cold.Cached);
    }

    internal static Task<(int Cached, string[] Tokens)> AskAsync(Replica replica, SequenceRequest request) =>
        TierTests.AskAsync(replica.Loop, request).WaitAsync(Patience);

    /// <summary>A leader and its follower, threads of this process.</summary>
    internal sealed class Replica(DecodeLoop loop, ShardFollower follower) : IAsyncDisposable
    {
        public DecodeLoop Loop => loop;

        public static async Task<Replica> StartAsync(
            GoldenModel model,
            GoldenCase golden,
            DecodeLoopOptions options,
            Func<ICollective, IModelRunner> runner,
            IKvSource? moves = null,
            LentParts? lent = null)
        {
            var ends = InProcessCollective.Create(Ranks);
            var link = new InProcessShardLink(Ranks - 1);
            var follower = new ShardFollower(1, 0, () => runner(ends[1]), link, moves, lent);
            var loop = TierTests.LoopOf(model, golden, options, new TierTests.Failures(), () => runner(ends[0]), link, moves, lent);
            await Task.WhenAll(loop.StartAsync(), follower.StartAsync()).WaitAsync(Patience);
            return new Replica(loop, follower);
        }

        public async ValueTask DisposeAsync()
        {
            await loop.StopAsync().WaitAsync(Patience);
            await follower.Completion.WaitAsync(Patience);
        }
    }
}
