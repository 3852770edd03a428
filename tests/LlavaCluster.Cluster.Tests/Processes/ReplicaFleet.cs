using LlavaCluster.Cluster.Tests.Storage;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>One gateway that also encodes, and a replica of the golden "yi" whose ranks are processes of their own.</summary>
internal sealed class ReplicaFleet : IAsyncDisposable
{
    private readonly int _ranks;
    private readonly SiloProcess?[] _members;

    private ReplicaFleet(RedisServer redis, string name, int ranks, string collective, string[] more)
    {
        (_ranks, _members) = (ranks, new SiloProcess?[ranks]);
        Shared =
        [
            "--membership", "redis", "--store", "redis", "--redis", redis.Address, "--cluster", name, "--threads", "1",
            "--kv-cache-mib", "64", "--collective", collective, .. more,
        ];
    }

    /// <summary>Flags of every process.</summary>
    public string[] Shared { get; }

    /// <summary>Where clients ask.</summary>
    public SiloProcess Gateway { get; private set; } = null!;

    /// <summary>Starts gateway and ranks; returns when all are ready, which may be before the ranks are together.</summary>
    public static async Task<ReplicaFleet> StartAsync(
        RedisServer redis, string name, int ranks, string collective = "tcp", params string[] more)
    {
        var fleet = new ReplicaFleet(redis, name, ranks, collective, more);
        fleet.Gateway = await SiloProcess.StartOfAsync("yi", 0, ["--roles", "gateway,encoder", .. fleet.Shared]);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, ranks).Select(fleet.StartRankAsync));
            return fleet;
        }
        catch
        {
            // Those that did start would outlive the test.
            await fleet.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a rank.</summary>
    public async Task StartRankAsync(int rank) => _members[rank] = await StartMemberAsync("--rank", $"{rank}", "--tp", $"{_ranks}");

    /// <summary>Starts another decoder of the replica; the caller disposes it.</summary>
    public Task<SiloProcess> StartMemberAsync(params string[] more) =>
        SiloProcess.StartOfAsync("yi", 0, ["--roles", "decoder", "--replica", "r", .. more, .. Shared]);

    /// <summary>Ends a rank without a word to anybody.</summary>
    public async Task KillRankAsync(int rank)
    {
        _members[rank]!.Program.Signal(9);
        await _members[rank]!.DisposeAsync();
        _members[rank] = null;
    }

    /// <summary>What a rank wrote to its log.</summary>
    public RunningProgram Rank(int rank) => _members[rank]!.Program;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_members.OfType<SiloProcess>().Append(Gateway).Select(member => member.DisposeAsync().AsTask()));
    }
}
