using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Quantised;
using LlavaCluster.Model.Weights;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// Makes the parts of a model that compute, each from its own reading of the weights. <see cref="MakeTower"/> and
/// <see cref="MakeRunner(int)"/> are called on the threads that will use what they make.
/// </summary>
internal sealed class ModelParts
{
    private readonly ServedModel _model;
    private readonly ModelOptions _options;
    private readonly SiloRoles _roles;
    private readonly TensorDevice _device;
    private readonly long _blockBytes;
    private readonly long _free;
    private readonly int _blocks;
    private readonly KernelChoice? _kernels;
    private readonly WeightForm _weights;
    private readonly IReadOnlyList<int> _ranks;
    private readonly Lazy<IReadOnlyList<ICollective>> _collectives;
    private readonly Dictionary<int, ILoadProgress> _rankProgress = [];
    private readonly Lock _making = new();
    private CodeCache? _codes;
    private bool _codesOpened;
    private ILoadProgress? _towerProgress;

    /// <summary>
    /// Checks names, shapes and types of the weights that the roles need, and how far the memory goes; reads none of
    /// them.
    /// </summary>
    /// <param name="model">The checkpoint.</param>
    /// <param name="options">Device, number form, ranks.</param>
    /// <param name="roles">What this process does.</param>
    /// <param name="ranks">Ranks whose weights it reads at its start; null: all.</param>
    /// <exception cref="BadCheckpointException">The weights do not fit the config, or the ranks do not divide the
    /// model.</exception>
    /// <exception cref="UserErrorException">No such device, or too little memory is allowed.</exception>
    public ModelParts(ServedModel model, ModelOptions options, SiloRoles roles, IReadOnlyList<int>? ranks = null)
    {
        (_model, _options, _roles) = (model, options, roles);
        _ranks = ranks ?? [.. Enumerable.Range(0, options.TensorParallel)];
        TensorDevice.UseThreads(options.Threads);
        _device = DeviceOf(options, model.ComputeType(options.Dtype));
        _kernels = options.Kernels switch
        {
            "fast" => KernelChoice.Fast,
            "torch" => KernelChoice.Torch,
            _ => null,
        };
        _weights = WeightForms.Parse(options.Weights);
        var needed = WeightRoles.None;
        needed |= roles.HasFlag(SiloRoles.Encoder) ? WeightRoles.Vision : WeightRoles.None;
        needed |= roles.HasFlag(SiloRoles.Decoder) ? DecoderWeights : WeightRoles.None;
        using (var weights = new CheckpointWeights(model.Folder, model.Config, _device.Device, _device.Type))
        {
            weights.Check(needed);
        }

        // Says by name what does not divide.
        ModelRunner.CheckSplit(model.Config, options.TensorParallel, _weights);
        _blockBytes = ModelRunner.KvBlockBytes(_model.Config, _device.Type, _options.TensorParallel);
        _free = FreeBytes();
        _blocks = KvBudget.Blocks(
            _blockBytes, ModelRunner.BlockTokens, _model.Config.Text.MaxPositions, _options.TensorParallel, _free, _options.KvCacheMib);
        _collectives = new(() => options.TensorParallel == 1
            ? [new SingleRank()]
            : InProcessCollective.Create(options.TensorParallel));
    }

    /// <summary>KV blocks that a rank of this process holds.</summary>
    public int KvBlocks => _blocks;

    /// <summary>KV blocks that a rank of this process has room for in slower memory.</summary>
    public TierRoom Below { get; private set; }

    /// <summary>Where files of those go; null: nowhere.</summary>
    public string? KvFolder { get; private set; }

    /// <summary>Number of the GPU that computes; null: a CPU does.</summary>
    public int? Gpu => _device.IsCpu ? null : _device.Device.index;

    private static WeightRoles DecoderWeights => WeightRoles.Language | WeightRoles.Projector;

    /// <summary>
    /// Finds out how much slower memory for KV there is: on a CPU. The ranks of this process share it evenly; of what is taken on our own
    /// account the ranks of other processes have their parts, since they may be on the same machine.
    /// </summary>
    /// <param name="tiers">How much.</param>
    /// <param name="folder">Where files go; null: nowhere.</param>
    public void AddTiers(TierOptions tiers, string? folder)
    {
        if (!_device.IsCpu)
        {
            return;
        }

        // A spare process has no rank yet, and will have one.
        var (here, all) = (Math.Max(1, _ranks.Count), _options.TensorParallel);
        var host = KvBudget.BlocksBelow(_blockBytes * here, tiers.KvHostMib, _free / 8 * here / all, _blocks);
        var disk = folder is null || host == 0
            ? 0
            : KvBudget.BlocksBelow(_blockBytes * here, tiers.KvDiskMib, DataFolder.FreeBytes(folder) / 10 * here / all, 4L * _blocks);
        (Below, KvFolder) = (new TierRoom(host, disk), folder);
    }

    /// <summary>Tells this how far all readings together have come.</summary>
    public void ReportTo(ILoadProgress progress)
    {
        var whole = new LoadProgress(progress);
        using var weights = Open(WeightRoles.None, null, null);
        if (_roles.HasFlag(SiloRoles.Encoder))
        {
            weights.Check(WeightRoles.Vision);
            _towerProgress = whole.AddPart(weights.BytesToRead);
        }

        if (_roles.HasFlag(SiloRoles.Decoder))
        {
            foreach (var rank in _ranks)
            {
                weights.Check(DecoderWeights, new ShardPlan(_model.Config.Text, rank, _options.TensorParallel));
                _rankProgress[rank] = whole.AddPart(weights.BytesToRead);
            }
        }
    }

    /// <summary>The vision tower.</summary>
    public IVisionEncoder MakeTower()
    {
        using var weights = Open(WeightRoles.Vision, null, _towerProgress);
        return new VisionEncoder(_model.Config, weights, _device, _kernels);
    }

    /// <summary>One rank of the language model, with its KV blocks, where all ranks are threads of this process.</summary>
    public IModelRunner MakeRunner(int rank) => MakeRunner(_collectives.Value[rank], Below);

    /// <summary>
    /// The rank of the language model that a collective is of, with its KV blocks, and no slower memory: how much of that there is, its
    /// formations say.
    /// </summary>
    public ModelRunner MakeRunner(ICollective collective) => MakeRunner(collective, default);

    private ModelRunner MakeRunner(ICollective collective, TierRoom below)
    {
        var plan = new ShardPlan(_model.Config.Text, collective.Rank, collective.Ranks);
        var progress = _rankProgress.GetValueOrDefault(collective.Rank);
        using var weights = Open(DecoderWeights, plan, progress);
        var runner = new ModelRunner(
            _model.Config,
            weights,
            _device,
            collective,
            new ModelRunnerOptions
            {
                KvBlocks = _blocks,
                KvHostBlocks = below.Host,
                KvDiskBlocks = below.Disk,
                KvFolder = KvFolder,
                Kernels = _kernels,
                Weights = _weights,
                Codes = Codes(weights),
            });
        progress?.Report(weights.BytesToRead, weights.BytesToRead); // what a cache of codes has is not read
        return runner;
    }

    /// <summary>Codes that are kept beside the checkpoint; the first rank that asks makes them where there are none.</summary>
    private CodeCache? Codes(CheckpointWeights weights)
    {
        lock (_making)
        {
            if (_options.WeightsCache && !_codesOpened)
            {
                _codes = CodeCache.Open(_model.Folder, _model.Config, weights, _weights, Console.Error.WriteLine);
                _codesOpened = true;
            }

            return _codes;
        }
    }

    private static TensorDevice DeviceOf(ModelOptions options, string dtype)
    {
        try
        {
            return TensorDevice.Open(options.Device, dtype);
        }
        catch (ArgumentException error)
        {
            // Without the runtime's "(Parameter 'name')".
            throw new UserErrorException(error.Message.Split(" (Parameter", 2)[0], error);
        }
    }

    private CheckpointWeights Open(WeightRoles needed, ShardPlan? plan, ILoadProgress? progress)
    {
        var weights = new CheckpointWeights(_model.Folder, _model.Config, _device.Device, _device.Type, progress);
        weights.Check(needed, plan);
        return weights;
    }

    /// <summary>Memory for the KV of all ranks once the weights are there, bytes. On a GPU, which has only ranks of this process: as if it had all.</summary>
    private long FreeBytes()
    {
        var weights = ModelRunner.WeightBytes(_model.Config, _device, _kernels, _weights);
        return _device.FreeGpuBytes() is { } free
            ? Math.Max(0, (free / Math.Max(1, _ranks.Count) * _options.TensorParallel) - weights)
            : Math.Max(0, FreeMemory.OfHost() - weights);
    }
}
