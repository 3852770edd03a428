using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Layers;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Language;

/// <summary>down(silu(gate(x)) ⊙ up(x)).</summary>
internal sealed class GatedMlp : nn.Module
{
    private readonly ColumnParallelLinear gate_up_proj;
    private readonly RowParallelLinear down_proj;
    private readonly long _inner;

    /// <summary>Reads the rank's columns.</summary>
    public GatedMlp(WeightParts parts, ICollective collective, TextConfig text, ShardPlan plan, string name)
        : base(nameof(GatedMlp))
    {
        _inner = plan.Inner;
        gate_up_proj = new ColumnParallelLinear(
            parts, text.Hidden, (name + ".gate_proj", text.Intermediate), (name + ".up_proj", text.Intermediate));
        down_proj = new RowParallelLinear(parts, collective, name + ".down_proj", text.Hidden, text.Intermediate);
        RegisterComponents();
    }

    /// <summary>Gate, then up.</summary>
    public ColumnParallelLinear GateUpProjection => gate_up_proj;

    /// <summary>Back to the hidden width.</summary>
    public RowParallelLinear DownProjection => down_proj;

    /// <param name="x">[tokens, hidden]</param>
    /// <returns>[tokens, hidden]</returns>
    public Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var both = gate_up_proj.forward(x); // [tokens, 2 × this rank's columns]
        var gated = nn.functional.silu(both.narrow(-1, 0, _inner)) * both.narrow(-1, _inner, _inner);
        return down_proj.forward(gated).MoveToOuterDisposeScope();
    }
}
