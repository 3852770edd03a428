using LlavaCluster.Model;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Network;

/// <summary>One linear layer on the tower's features that tells what is in each cell of a patch. It is thrown away after training.</summary>
internal sealed class TowerHeads : nn.Module
{
    /// <summary>None and six shapes.</summary>
    public const int Shapes = 7;

    /// <summary>None and eight colours.</summary>
    public const int Colours = 9;

    /// <summary>None and 36 characters.</summary>
    public const int Characters = 37;

    /// <summary>Yes or no each: filled, middle of an object, middle of a glyph.</summary>
    public const int Flags = 3;

    /// <summary>Numbers for a cell.</summary>
    public const int Width = Shapes + Colours + Characters + Flags;

    private readonly Parameter _weight;
    private readonly Parameter _bias;

    /// <summary>A head that at first says nothing.</summary>
    public TowerHeads(long hidden, PatchCells cells, TensorDevice device)
        : base(nameof(TowerHeads))
    {
        Cells = cells;
        using var scope = NewDisposeScope();
        _weight = new Parameter(zeros(cells.Count * Width, hidden, dtype: device.Type), requires_grad: false);
        _bias = new Parameter(zeros(cells.Count * Width, dtype: device.Type), requires_grad: false);
        _weight.DetachFromDisposeScope();
        _bias.DetachFromDisposeScope();
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
    }

    /// <summary>The division of patches.</summary>
    public PatchCells Cells { get; }

    /// <param name="features">[tiles, patches, hidden]</param>
    /// <returns>[tiles × patches × cells, width], float32: shapes, colours, characters, flags.</returns>
    public Tensor Tell(Tensor features)
    {
        using var scope = NewDisposeScope();
        return nn.functional.linear(features, _weight, _bias).to(ScalarType.Float32).reshape(-1, Width).MoveToOuterDisposeScope();
    }
}
