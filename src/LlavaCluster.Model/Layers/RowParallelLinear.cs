using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Quantised;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>A linear layer split by inputs: each rank multiplies its part, the sum over ranks is the result.</summary>
internal sealed class RowParallelLinear : nn.Module
{
    private readonly Parameter? weight;
    private readonly CodeMatrix? _codes;
    private readonly int _tiled;
    private readonly Parameter? bias;
    private readonly ICollective _collective;

    /// <summary>Reads the rank's columns of <c>name.weight</c> [outputs, inputs] and, when asked, all of <c>name.bias</c>.</summary>
    public RowParallelLinear(WeightParts parts, ICollective collective, string name, long outputs, long inputs, bool hasBias = false)
        : base(nameof(RowParallelLinear))
    {
        (weight, _codes, _tiled) = parts.Matrix((name + ".weight", [outputs, inputs]));
        bias = hasBias ? parts.Read(name + ".bias", outputs) : null;
        _collective = collective;
        RegisterComponents();
    }

    /// <summary>[outputs, this rank's inputs]</summary>
    public MatrixWeight Weight => new(weight, _codes, _tiled);

    /// <param name="x">[tokens, this rank's inputs]</param>
    /// <returns>[tokens, outputs], the same on all ranks.</returns>
    public Tensor forward(Tensor x)
    {
        var y = Weight.Linear(x);
        _collective.AllReduceSum(y);

        // Once, after the sum: each rank adding it before would give it as often as there are ranks.
        return bias is null ? y : y.Plus(bias);
    }
}
