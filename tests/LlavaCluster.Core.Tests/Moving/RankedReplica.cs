using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Tests.Engine;
using LlavaCluster.Core.Tests.Links;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Moving;

/// <summary>
/// A replica of two ranks over fake models and a real plan link, as two processes would have it: each rank lends at a port of its own what it
/// alone knows of.
/// </summary>
internal sealed class RankedReplica : IAsyncDisposable
{
    public const int Ranks = 2, Blocks = 64;

    public static readonly KvShape Shape = TwoReplicas.Shape with { Ranks = Ranks };

    private readonly ShardFollower _follower;

    private RankedReplica(DecodeLoopHost host, ShardFollower follower, FakeModelRunner runner, TcpShardFollowerLink end, LentParts[] lent, KvServer[] servers)
    {
        (Host, _follower, FollowerRunner, End, Lent, Servers) = (host, follower, runner, end, lent, servers);
    }

    public DecodeLoopHost Host { get; }

    public FakeModelRunner FollowerRunner { get; }

    /// <summary>The follower's end of the plan link.</summary>
    public TcpShardFollowerLink End { get; }

    /// <summary>What each rank lends.</summary>
    public LentParts[] Lent { get; }

    public KvServer[] Servers { get; }

    public Task FollowerEnded => _follower.Completion;

    public string[] Addresses => [.. Servers.Select(server => server.Address.ToString())];

    /// <param name="lending">How a rank lends.</param>
    /// <param name="source">What is put over the client of a rank.</param>
    /// <param name="shape">What it says it is.</param>
    public static async Task<RankedReplica> StartAsync(
        Func<int, KvMoveOptions>? lending = null, Func<int, IKvSource, IKvSource>? source = null, KvShape? shape = null)
    {
        var (link, ends) = await PlanLinks.FormAsync(Ranks - 1);
        LentParts[] lent = [.. Enumerable.Range(0, Ranks).Select(_ => new LentParts())];
        var runner = new FakeModelRunner(new RunnerCapacity(Blocks, 16, 1024, FakeModel.Vocabulary), 1);
        var follower = new ShardFollower(1, 0, () => runner, ends[0], SourceOf(1), lent[1]);
        await follower.StartAsync().WaitAsync(Patience);
        var host = await DecodeLoopHost.StartAsync(blocks: Blocks, link: link, moves: SourceOf(0), lent: lent[0]);
        KvServer[] servers = [ServerOf(0, host.Loop), ServerOf(1, new Follows())];
        return new RankedReplica(host, follower, runner, ends[0], lent, servers);

        IKvSource SourceOf(int rank)
        {
            var client = new KvClient(shape ?? Shape, TwoReplicas.Patient, TimeProvider.System);
            return source?.Invoke(rank, client) ?? client;
        }

        KvServer ServerOf(int rank, IKvOwner owner) =>
            new(IPAddress.Loopback, shape ?? Shape, owner, lending?.Invoke(rank) ?? new KvMoveOptions(), lent[rank]);
    }

    /// <summary>Computes a conversation's first turn: six whole blocks.</summary>
    /// <returns>Ids of its second turn.</returns>
    public async Task<int[]> TalkAsync()
    {
        var prompt = TwoReplicas.Conversation();
        return [.. prompt, .. await Host.TokensAsync(Request(prompt, 10, TwoReplicas.Picture)), .. Prompt(2, 3)];
    }

    /// <summary>Answers a turn of a conversation that another replica has computed.</summary>
    /// <returns>Tokens that it did not have to compute.</returns>
    public async Task<int> GoOnAsync(int[] ids, string[] from)
    {
        var events = await Host.AllAsync(Request(ids, 10, TwoReplicas.Picture) with { KvFrom = from }).WaitAsync(Patience);
        Assert.Equal(FakeModel.Answer(ids, TwoReplicas.Picture, 10), TokensOf(events));
        return ((GenerationEvent.Started)events[0]).CachedTokens;
    }

    /// <summary>Nothing is lent any more, and nothing held.</summary>
    public async Task UntilNothingIsLentAsync()
    {
        await Host.UntilAsync(load => load.FreeBlocks == load.TotalBlocks);
        await Host.UntilAsync(_ => Lent.All(parts => parts.Count == 0));
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Servers.Select(server => server.DisposeAsync().AsTask()));
        await Host.DisposeAsync();
        await _follower.Completion.WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _follower.DisposeAsync();
        End.Dispose();
        Assert.All(Lent, parts => Assert.Equal(0, parts.Count));
    }

    private sealed class Follows : IKvOwner
    {
        public Task<KvLoan?> LendAsync(IReadOnlyList<UInt128> keys) => Task.FromResult<KvLoan?>(null);
    }
}
