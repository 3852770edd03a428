using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Language;
using LlavaCluster.Model.Vision;
using LlavaCluster.Model.Weights;
using LlavaCluster.Training.Recipe.Optimizing;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Network;

/// <summary>
/// The serving model's own modules, whose parameters learn: vision tower, projector, new-line vector and language model, and the tower's
/// heads, which only training has. Everything on the CPU in the compute dtype. One thread.
/// </summary>
internal sealed class TinyNetwork : IDisposable
{
    private const string NewLineName = "image_newline";

    /// <summary>Builds the modules.</summary>
    /// <param name="config">The model's numbers.</param>
    /// <param name="source">First weights, float32.</param>
    /// <param name="labels">What the heads tell of a patch.</param>
    /// <param name="device">Where and in which dtype to compute.</param>
    public TinyNetwork(LlavaConfig config, IWeightSource source, PatchCells labels, TensorDevice device)
    {
        (Config, Device) = (config, device);
        var cast = new CastSource(source, device.Type);
        Tower = new ClipVisionTower(config.Vision, cast, device);
        Projector = new Projector(config, cast, device);
        NewLine = new Parameter(cast.Read(NewLineName, [config.Text.Hidden]), requires_grad: false);
        Language = new LanguageModel(config.Text, cast, device, new SingleRank());
        Heads = new TowerHeads(config.Vision.Hidden, labels, device);
        Masters = new MasterWeights(
        [
            .. LiveNames.OfTower(Tower, config.Vision),
            .. LiveNames.OfHeads(Heads),
            .. LiveNames.OfProjector(Projector, config),
            new LearnedWeight(WeightPart.Projector, NewLine, [(NewLineName, [config.Text.Hidden])]),
            .. LiveNames.OfLanguage(Language, config.Text),
        ]);
        SetMasters(source);
        Masters.Publish();
    }

    /// <summary>The model's numbers.</summary>
    public LlavaConfig Config { get; }

    /// <summary>Where and in which dtype it computes.</summary>
    public TensorDevice Device { get; }

    /// <summary>Vision tower.</summary>
    public ClipVisionTower Tower { get; }

    /// <summary>Heads on the tower's features.</summary>
    public TowerHeads Heads { get; }

    /// <summary>Projector.</summary>
    public Projector Projector { get; }

    /// <summary>[hidden]: ends each row of image tokens.</summary>
    public Parameter NewLine { get; }

    /// <summary>Language model.</summary>
    public LanguageModel Language { get; }

    /// <summary>The float32 originals.</summary>
    public MasterWeights Masters { get; }

    /// <summary>Lets these parts have gradients, and no others.</summary>
    public void Learn(IReadOnlyCollection<WeightPart> parts)
    {
        foreach (var weight in Masters.Weights)
        {
            weight.Live.requires_grad_(parts.Contains(weight.Part));
        }
    }

    /// <summary>The checkpoint's tensors by our names, float32; the heads are none of them. The caller disposes them.</summary>
    public Dictionary<string, Tensor> Tensors()
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        foreach (var weight in Masters.Weights.Where(w => w.Part != WeightPart.Heads))
        {
            var whole = Masters.Of(Masters.Values, weight);
            long row = 0;
            foreach (var (name, shape) in weight.Tensors)
            {
                tensors.Add(name, whole.narrow(0, row, shape[0]).clone().DetachFromDisposeScope());
                row += shape[0];
            }
        }

        return tensors;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Tower.Dispose();
        Projector.Dispose();
        NewLine.Dispose();
        Language.Dispose();
        Heads.Dispose();
        Masters.Dispose();
    }

    private void SetMasters(IWeightSource source)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        foreach (var weight in Masters.Weights)
        {
            var whole = Masters.Of(Masters.Values, weight);
            if (weight.Part == WeightPart.Heads)
            {
                whole.copy_(weight.Live);
                continue;
            }

            long row = 0;
            foreach (var (name, shape) in weight.Tensors)
            {
                using var tensor = source.Read(name, shape);
                whole.narrow(0, row, shape[0]).copy_(tensor);
                row += shape[0];
            }
        }
    }

    /// <summary>A source's tensors in another dtype.</summary>
    private sealed class CastSource(IWeightSource source, ScalarType type) : IWeightSource
    {
        public Tensor Read(string name, long[] shape, WeightSlice? slice = null)
        {
            using var scope = NewDisposeScope();
            return source.Read(name, shape, slice).to(type, copy: true).DetachFromDisposeScope();
        }
    }
}
