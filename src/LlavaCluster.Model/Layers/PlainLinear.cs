using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>A linear layer that every rank holds whole.</summary>
internal sealed class PlainLinear : nn.Module
{
    private readonly Parameter weight;
    private readonly Parameter? bias;

    /// <summary>Reads <c>name.weight</c> [outputs, inputs] and, when asked, <c>name.bias</c> [outputs].</summary>
    public PlainLinear(WeightParts parts, string name, long outputs, long inputs, bool hasBias = true)
        : base(nameof(PlainLinear))
    {
        weight = parts.Read(name + ".weight", outputs, inputs);
        bias = hasBias ? parts.Read(name + ".bias", outputs) : null;
        RegisterComponents();
    }

    /// <summary>Several layers of one input as one matrix: their outputs side by side.</summary>
    public PlainLinear(WeightParts parts, IReadOnlyList<string> names, long outputs, long inputs)
        : base(nameof(PlainLinear))
    {
        weight = parts.Fuse([.. names.Select(name => (name + ".weight", new[] { outputs, inputs }))]);
        bias = parts.Fuse([.. names.Select(name => (name + ".bias", new[] { outputs }))]);
        RegisterComponents();
    }

    /// <summary>[outputs, inputs]</summary>
    public Tensor Weight => weight;

    /// <summary>[outputs], or null.</summary>
    public Tensor? Bias => bias;

    /// <param name="x">[…, inputs]</param>
    /// <returns>[…, outputs]</returns>
    public Tensor forward(Tensor x) => nn.functional.linear(x, weight, bias);
}
