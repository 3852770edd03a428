using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Replicas;

/// <summary>A seat's parts over fake runners, which are as large as the formation lets them be.</summary>
internal sealed class FakeRankParts(int ranks, TierRoom below) : IRankParts
{
    private readonly ManualResetEventSlim _aborted = new();
    private int _rank;

    public int Prepared { get; private set; }

    public List<string> Aborts { get; } = [];

    public FakeModelRunner Runner { get; private set; } = null!;

    public RankSplit Split { get; } = new("c", ranks, "float32", "torch", "tcp");

    public int Blocks => 64;

    public string Carrier => "nothing";

    public TierRoom Below => below;

    public Task PrepareAsync(int rank, CancellationToken cancellationToken)
    {
        (_rank, Prepared) = (rank, Prepared + 1);
        return Task.CompletedTask;
    }

    public ReadOnlyMemory<byte> NewNcclId() => default;

    public IModelRunner Join(Formation formation, RankListener listener, CancellationToken cancellationToken)
    {
        Runner = new FakeModelRunner(new RunnerCapacity(formation.Blocks, 16, 1024, FakeModel.Vocabulary), _rank);
        var (host, disk) = formation.Below;
        Runner.MovesKv = formation.MovesKv;
        Runner.Mover = host > 0 ? new FakeBlockMover(Runner, host, disk) { EndsAtOnce = true } : null;
        return Runner;
    }

    /// <summary>A sum that the others never join.</summary>
    public void Sum()
    {
        Assert.True(_aborted.Wait(Patience));
        throw new InvalidOperationException("aborted");
    }

    public void Abort(string reason)
    {
        _aborted.Set();
        lock (Aborts)
        {
            Aborts.Add(reason);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
