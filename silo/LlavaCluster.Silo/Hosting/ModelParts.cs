using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Weights;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// Makes the parts of a model that compute, each from its own reading of the weights. <see cref="MakeTower"/> and
/// <see cref="MakeRunner"/> are called on the threads that will use what they make.
/// </summary>
internal sealed class ModelParts
{
    private readonly ServedModel _model;
    private readonly ModelOptions _options;
    private readonly TensorDevice _device;
    private readonly int _blocks;
    private readonly IReadOnlyList<ICollective> _collectives;
    private ILoadProgress? _towerProgress;
    private IReadOnlyList<ILoadProgress?> _rankProgress = [];

    /// <summary>Checks names, shapes and types of the weights that the roles need, and how far the memory goes; reads none of them.</summary>
    /// <exception cref="BadCheckpointException">The weights do not fit the config, or the ranks do not divide the model.</exception>
    /// <exception cref="UserErrorException">No such device, or too little memory is allowed.</exception>
    public ModelParts(ServedModel model, ModelOptions options, SiloRoles roles)
    {
        (_model, _options) = (model, options);
        TensorDevice.UseThreads(options.Threads);
        _device = DeviceOf(options, model.ComputeType(options.Dtype));
        var needed = (roles.HasFlag(SiloRoles.Encoder) ? WeightRoles.Vision : 0) | (roles.HasFlag(SiloRoles.Decoder) ? DecoderWeights : 0);
        using (var weights = new CheckpointWeights(model.Folder, model.Config, _device.Device, _device.Type))
        {
            weights.Check(needed);
        }

        // Says by name what does not divide.
        _ = new ShardPlan(model.Config.Text, 0, options.TensorParallel);
        _blocks = FitBlocks();
        _collectives = options.TensorParallel == 1 ? [new SingleRank()] : InProcessCollective.Create(options.TensorParallel);
    }

    private static WeightRoles DecoderWeights => WeightRoles.Language | WeightRoles.Projector;

    /// <summary>Tells this how far all readings together have come.</summary>
    public void ReportTo(ILoadProgress progress)
    {
        var whole = new LoadProgress(progress);
        _towerProgress = whole.AddPart();
        _rankProgress = [.. _collectives.Select(_ => whole.AddPart())];
    }

    /// <summary>The vision tower.</summary>
    public IVisionEncoder MakeTower()
    {
        using var weights = Open(WeightRoles.Vision, null, _towerProgress);
        return new VisionEncoder(_model.Config, weights, _device);
    }

    /// <summary>One rank of the language model, with its KV blocks.</summary>
    public IModelRunner MakeRunner(int rank)
    {
        using var weights = Open(DecoderWeights, new ShardPlan(_model.Config.Text, rank, _options.TensorParallel), _rankProgress.ElementAtOrDefault(rank));
        return new ModelRunner(_model.Config, weights, _device, _collectives[rank], new ModelRunnerOptions { KvBlocks = _blocks });
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

    private int FitBlocks()
    {
        var weights = CheckpointFolder.Open(_model.Folder).Tensors.Sum(t => t.Tensor.Shape.Aggregate(1L, (a, b) => a * b)) * _device.ElementSize;
        return KvBudget.Blocks(
            ModelRunner.KvBlockBytes(_model.Config, _device.Type, _options.TensorParallel),
            ModelRunner.BlockTokens,
            _model.Config.Text.MaxPositions,
            _options.TensorParallel,
            Math.Max(0, FreeMemory.OfHost() - weights),
            _options.KvCacheMib);
    }
}
