using System.Net;
using LlavaCluster.Benchmarks.Collectives;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>
/// A model that two ranks share, each with half of the threads, beside one rank with all of them. Plans go over the replica's own link, sums
/// through shared memory, just as between processes of one machine.
/// </summary>
/// <param name="name">Names it for <c>--only</c>.</param>
/// <param name="what">What is measured.</param>
/// <param name="positions">How long the sequence becomes.</param>
/// <param name="tokens">Tokens that <paramref name="seconds"/> tells the time of.</param>
/// <param name="seconds">Measures a model.</param>
internal sealed class TensorParallelRow(string name, string what, int positions, int tokens, Func<TimedModel, double> seconds)
    : TableRow(name, what, 0.90)
{
    private const int Ranks = 2;

    /// <summary>Decodes behind 128 tokens.</summary>
    public static TensorParallelRow OfDecode { get; } = new(
        "tp2-decode", "decode over 2 ranks, beside 1 with their threads", 129, 1, model => model.Decode(1, 128, 16));

    /// <summary>A prompt in one chunk.</summary>
    public static TensorParallelRow OfPrompt { get; } = new(
        "tp2-prefill", "prefill of 512 tokens over 2 ranks, beside 1 with their threads", 512, 512, model => model.Prompt(0, 512));

    /// <inheritdoc/>
    public override bool CpuOnly => true;

    /// <inheritdoc/>
    public override async Task<RowResult> MeasureAsync(TableRun run, CancellationToken cancellationToken)
    {
        var folder = run.BenchCheckpoint();
        UseThreads(run, 1);
        using var whole = new TimedModel(run, folder, 1, positions);
        UseThreads(run, Ranks);
        var ends = RankThreads.Form(Ranks, new TcpCollectiveOptions { SharedMemory = true });
        var (leading, following) = Link();
        using var followed = following;
        using var leads = leading;
        await using var follower = new ShardFollower(
            1, 0, () => TimedModel.Runner(run, folder, TimedModel.BlocksOf(positions), ends[1]), following);
        var started = follower.StartAsync(cancellationToken);
        using var split = new TimedModel(run, folder, 1, positions, ends[0], leading);
        await started;
        whole.Prompt(0, positions - 1);
        split.Prompt(0, positions - 1);

        var (ours, theirs) = run.InTurn(
            () =>
            {
                UseThreads(run, Ranks);
                return tokens / seconds(split);
            },
            () =>
            {
                UseThreads(run, 1);
                return tokens / seconds(whole);
            });
        leading.Send(new ShardMessage.Stop());
        await follower.Completion;
        return new RowResult(ours, theirs, "tokens/s", ours / theirs, $"{(tokens / ours * 1e6) - (tokens / theirs * 1e6):F0} µs more a step");
    }

    private static void UseThreads(TableRun run, int ranks) => TensorDevice.UseThreads(Math.Max(1, run.Threads / ranks));

    private static (TcpShardLink Leader, TcpShardFollowerLink Follower) Link()
    {
        using var listener = new RankListener(IPAddress.Loopback);
        var options = new ShardLinkOptions();
        var forming = Task.Run(() => TcpShardLink.Form(listener, Guid.Empty, 0, Ranks, options, TimeProvider.System));
        var follower = TcpShardFollowerLink.Join(listener.Address, Guid.Empty, 0, 1, Ranks, options, TimeProvider.System);
        return (forming.GetAwaiter().GetResult(), follower);
    }
}
