using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;

namespace LlavaCluster.Silo.Hosting;

/// <summary>One rank of the language model, whose weights outlive the formations of its replica.</summary>
internal sealed class RankParts : IRankParts
{
    private readonly ModelParts _parts;
    private readonly TimeProvider _time;
    private readonly SecureStream? _secure;
    private readonly NcclLibrary? _nccl;
    private RejoinableCollective? _end;
    private ModelRunner? _runner;

    /// <summary>Reads nothing yet.</summary>
    /// <param name="parts">Makes the rank.</param>
    /// <param name="model">The checkpoint.</param>
    /// <param name="settings">How it is split, and what the ranks' numbers travel by.</param>
    /// <param name="secure">Wraps connections to other ranks; null: plain. NCCL makes its own, which are plain.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="DllNotFoundException">The ranks are to meet through NCCL, which is not there.</exception>
    public RankParts(ModelParts parts, ServedModel model, NodeSettings settings, SecureStream? secure, TimeProvider time)
    {
        (_parts, _secure, _time) = (parts, secure, time);
        var collective = settings.CollectiveInUse;
        Split = new RankSplit(model.Id, settings.Model.TensorParallel, settings.Model.Dtype, settings.Model.KernelsInUse, collective);
        _nccl = collective == "nccl" ? NcclLibrary.Open(settings.Fleet.NcclLibrary) : null;
    }

    /// <inheritdoc/>
    public RankSplit Split { get; }

    /// <inheritdoc/>
    public int Blocks => _parts.KvBlocks;

    /// <inheritdoc/>
    public string Carrier { get; private set; } = "nothing yet";

    /// <inheritdoc/>
    public TierRoom Below => _parts.Below;

    /// <inheritdoc/>
    public Task PrepareAsync(int rank, CancellationToken cancellationToken)
    {
        if (_end?.Rank == rank)
        {
            return Task.CompletedTask;
        }

        // Minutes for a large model: not on a pool thread.
        return Task.Factory.StartNew(() => Prepare(rank), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> NewNcclId() => _nccl?.NewId() ?? default(ReadOnlyMemory<byte>);

    /// <inheritdoc/>
    public IModelRunner Join(Formation formation, RankListener listener, CancellationToken cancellationToken)
    {
        var (end, runner) = (_end!, _runner!);
        var addresses = formation.Members.Select(member => member.Collectives).ToArray();
        var options = new TcpCollectiveOptions { SharedMemory = Split.Collective == "shared", Secure = _secure };
        ICollective joined = _nccl is null
            ? TcpCollective.Join(listener, addresses, formation.Id, formation.Epoch, end.Rank, options, _time, cancellationToken)
            : NcclCollective.Join(
                _nccl, formation.Members[0].NcclId.Span, end.Rank, end.Ranks, options.JoinPatience, _time, cancellationToken, _parts.Gpu);
        Carrier = joined is TcpCollective { IsSecure: true } ? $"{Split.Collective}, on connections with TLS" : Split.Collective;
        end.Attach(joined);
        runner.OpenTiers(formation.Below, _parts.KvFolder);
        return new FormationRunner(runner, end, formation.Blocks, formation.MovesKv);
    }

    /// <inheritdoc/>
    public void Abort(string reason) => _end?.Abort(reason);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _runner?.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Prepare(int rank)
    {
        _runner?.Dispose();
        _runner = null;
        _end = new RejoinableCollective(rank, Split.Ranks);
        try
        {
            _runner = _parts.MakeRunner(_end);
        }
        catch
        {
            _end = null;
            throw;
        }
    }
}
