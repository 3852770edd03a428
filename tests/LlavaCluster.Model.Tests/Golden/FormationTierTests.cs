using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Silo.Hosting;
using TorchSharp;
using Xunit;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>
/// Two ranks that keep weights and KV memory over their formations, as processes do, with a real plan link between them: each formation
/// has slower memory of its own.
/// </summary>
public sealed class FormationTierTests : IDisposable
{
    private const int Ranks = 2, DeviceBlocks = 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly GoldenModel _model = GoldenModel.OnCpu("vicuna", torch.ScalarType.Float32);
    private readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("llava-kv-");
    private readonly RejoinableCollective[] _ends = [.. Enumerable.Range(0, Ranks).Select(rank => new RejoinableCollective(rank, Ranks))];
    private readonly ModelRunner[] _runners;
    private long _epoch;

    public FormationTierTests() => _runners = [.. _ends.Select(end => _model.Runner(end, DeviceBlocks, KernelChoice.Fast))];

    [Fact]
    public async Task Formations_OneAfterTheOther_EachHasSlowerMemoryOfItsOwn()
    {
        var golden = _model.Case("strip");
        var first = TierTests.RequestOf(_model, golden, golden.TokenIds);
        var second = TierTests.RequestOf(_model, golden, [.. golden.TokenIds, .. golden.Tokens[..1], .. golden.TokenIds[^9..]]);
        var blocks = (second.TokenIds.Count / 16) + 3;
        var kept = (golden.TokenIds.Length + 11) / 16;
        (int Cached, string[] Tokens) hot, cold, anew;
        await using (var formed = await FormAsync(golden, DeviceBlocks, default))
        {
            await formed.AskAsync(first);
            hot = await formed.AskAsync(second);
            Assert.Null(formed.Loop.Load.Tiers);
        }

        await using (var formed = await FormAsync(golden, blocks, new TierRoom(kept, 1000)))
        {
            await formed.AskAsync(first);
            await formed.RestAsync();
            Assert.Equal(kept, formed.Loop.Load.Tiers!.Disk);
            Assert.Equal([(kept + 3) / 4, (kept + 3) / 4], _scratch.GetDirectories().Select(folder => folder.GetFiles("*.kv").Length)); // each rank has its own
            await formed.AskAsync(TierTests.RequestOf(_model, golden, Enumerable.Repeat(7, (blocks * 16) - 20)) with { Images = [] });
            await formed.RestAsync();

            cold = await formed.AskAsync(second);

            Assert.InRange(formed.Loop.Load.Tiers!.FromDisk, 1, kept);
        }

        // Nothing is left of a formation that is over, and the next one finds nothing.
        Assert.Empty(_scratch.GetFileSystemInfos());
        Assert.All(_runners, runner => Assert.Null(runner.Mover));
        await using (var formed = await FormAsync(golden, blocks, new TierRoom(kept, 1000)))
        {
            anew = await formed.AskAsync(second);
            Assert.Equal(0, formed.Loop.Load.Tiers!.FromHost + formed.Loop.Load.Tiers.FromDisk);
        }

        Assert.Equal(hot.Tokens, cold.Tokens);
        Assert.Equal((hot.Cached, 0), (cold.Cached, anew.Cached));
        Assert.Equal(hot.Tokens.Select(IdOf), anew.Tokens.Select(IdOf));
    }

    public void Dispose()
    {
        Array.ForEach(_runners, runner => runner.Dispose());
        _scratch.Delete(recursive: true);
    }

    private static string IdOf(string token) => token.Split(' ')[0];

    private async Task<Formed> FormAsync(GoldenCase golden, int blocks, TierRoom room)
    {
        _epoch++;
        var collectives = InProcessCollective.Create(Ranks);
        using var listener = new RankListener(IPAddress.Loopback);
        var (id, patient) = (Guid.NewGuid(), new ShardLinkOptions { Silence = TimeSpan.FromSeconds(30) });
        var leading = Task.Run(() => TcpShardLink.Form(listener, id, _epoch, Ranks, patient, TimeProvider.System));
        var end = await Task.Run(() => TcpShardFollowerLink.Join(listener.Address, id, _epoch, 1, Ranks, patient, TimeProvider.System)).WaitAsync(Patience);
        var link = await leading.WaitAsync(Patience);
        var options = new DecodeLoopOptions
        {
            Epoch = _epoch,
            Tiers = new() { HostAfter = TimeSpan.Zero, DiskAfter = TimeSpan.Zero, GroupBlocks = 4 },
        };
        var follower = new ShardFollower(1, _epoch, () => RunnerOf(1), end);
        var loop = TierTests.LoopOf(_model, golden, options, new TierTests.Failures(), () => RunnerOf(0), link);
        await Task.WhenAll(loop.StartAsync(), follower.StartAsync()).WaitAsync(Patience);
        return new Formed(loop, follower, end);

        IModelRunner RunnerOf(int rank)
        {
            _ends[rank].Attach(collectives[rank]);
            _runners[rank].OpenTiers(room, _scratch.FullName);
            return new FormationRunner(_runners[rank], _ends[rank], blocks, movesKv: false);
        }
    }

    private sealed class Formed(DecodeLoop loop, ShardFollower follower, TcpShardFollowerLink end) : IAsyncDisposable
    {
        public DecodeLoop Loop => loop;

        public Task<(int Cached, string[] Tokens)> AskAsync(SequenceRequest request) => TierTests.AskAsync(loop, request).WaitAsync(Patience);

        public Task RestAsync() => loop.RestAsync().WaitAsync(Patience);

        public async ValueTask DisposeAsync()
        {
            await loop.StopAsync().WaitAsync(Patience);
            await follower.Completion.WaitAsync(Patience);
            end.Dispose();
        }
    }
}
