using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// A rank's runner for one formation: as large as the smallest rank's, and gone from the others when disposed. Weights and KV memory stay;
/// what the KV memory holds means nothing to the next formation, which begins with no block taken, and so do not its images. Its slower
/// memory goes with it, and with that whatever still copies, to other replicas too.
/// </summary>
/// <param name="runner">The rank's, kept, with the formation's slower memory.</param>
/// <param name="end">Its end of the formation, left when disposed.</param>
/// <param name="blocks">KV blocks that every rank has.</param>
/// <param name="movesKv">Whether every rank can move them between replicas.</param>
internal sealed class FormationRunner(ModelRunner runner, RejoinableCollective end, int blocks, bool movesKv) : IModelRunner
{
    private readonly HashSet<ImageHash> _images = [];

    /// <inheritdoc/>
    public RunnerCapacity Capacity => runner.Capacity with { BlockCount = Math.Min(blocks, runner.Capacity.BlockCount) };

    /// <inheritdoc/>
    public IBlockMover? Mover => runner.Mover;

    /// <inheritdoc/>
    public IBlockBytes? Bytes => movesKv ? runner.Bytes : null;

    /// <inheritdoc/>
    public void LoadImage(ImageFeatures features)
    {
        runner.LoadImage(features);
        _images.Add(features.Image);
    }

    /// <inheritdoc/>
    public void ForgetImage(ImageHash image)
    {
        runner.ForgetImage(image);
        _images.Remove(image);
    }

    /// <inheritdoc/>
    public StepOutput Run(StepPlan plan) => runner.Run(plan);

    /// <inheritdoc/>
    public void Dispose()
    {
        end.Detach();
        foreach (var image in _images)
        {
            runner.ForgetImage(image);
        }

        runner.CloseTiers();
    }
}
