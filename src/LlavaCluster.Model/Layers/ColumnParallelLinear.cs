using LlavaCluster.Model.Quantised;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>
/// Several linear layers without bias over one input, fused into one matrix and split by outputs: each rank computes its own columns
/// of the result and nothing is exchanged.
/// </summary>
internal sealed class ColumnParallelLinear : nn.Module
{
    private readonly Parameter? weight;
    private readonly CodeMatrix? _codes;
    private readonly int _tiled;

    /// <summary>Reads the rank's rows of every <c>name.weight</c> [outputs, inputs].</summary>
    public ColumnParallelLinear(WeightParts parts, long inputs, params (string Name, long Outputs)[] layers)
        : base(nameof(ColumnParallelLinear))
    {
        (weight, _codes, _tiled) = parts.Matrix([.. layers.Select(layer => (layer.Name + ".weight", new[] { layer.Outputs, inputs }))]);
        RegisterComponents();
    }

    /// <summary>[this rank's outputs of all layers, inputs]</summary>
    public MatrixWeight Weight => new(weight, _codes, _tiled);

    /// <param name="x">[tokens, inputs], the same on all ranks.</param>
    /// <returns>[tokens, this rank's outputs of the first layer, then of the second, …]</returns>
    public Tensor forward(Tensor x) => Weight.Linear(x);
}
