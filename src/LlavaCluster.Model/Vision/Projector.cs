using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Layers;
using LlavaCluster.Model.Weights;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Vision;

/// <summary>From the vision tower's width to the language model's: linear, exact (erf) GELU, linear. Whole on every rank.</summary>
internal sealed class Projector : nn.Module
{
    private readonly PlainLinear linear_1;
    private readonly PlainLinear linear_2;

    /// <summary>Reads the projector's weights.</summary>
    public Projector(LlavaConfig config, IWeightSource source, TensorDevice device)
        : base(nameof(Projector))
    {
        var parts = new WeightParts(source, device, null);
        long hidden = config.Text.Hidden;
        linear_1 = new PlainLinear(parts, "multi_modal_projector.linear_1", hidden, config.Vision.Hidden, config.ProjectorBias);
        linear_2 = new PlainLinear(parts, "multi_modal_projector.linear_2", hidden, hidden, config.ProjectorBias);
        RegisterComponents();
    }

    /// <param name="features">[tiles, patches, channels]</param>
    /// <returns>[tiles, patches, hidden]</returns>
    public Tensor forward(Tensor features)
    {
        using var scope = NewDisposeScope();
        return linear_2.forward(nn.functional.gelu(linear_1.forward(features))).MoveToOuterDisposeScope();
    }
}
