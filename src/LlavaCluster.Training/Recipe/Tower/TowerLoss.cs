using System.Runtime.InteropServices;
using LlavaCluster.Training.Recipe.Network;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Tower;

/// <summary>
/// How wrong the heads are about cells. Most cells are empty, so that emptiness counts less than things; letters, which are the hardest,
/// count most. One thread.
/// </summary>
internal sealed class TowerLoss : IDisposable
{
    private const double EmptyWeight = 0.15;
    private const double LetterWeight = 2;
    private const double FlagWeight = 0.5;
    private const double CentreWeight = 8;

    private readonly Tensor _shapes = Weights(TowerHeads.Shapes);
    private readonly Tensor _colours = Weights(TowerHeads.Colours);
    private readonly Tensor _characters = Weights(TowerHeads.Characters);
    private readonly Tensor _centre;

    /// <summary>Prepares the weights of classes.</summary>
    public TowerLoss()
    {
        using var scope = NewDisposeScope();
        _centre = tensor((float)CentreWeight).DetachFromDisposeScope();
    }

    /// <summary>The loss of a batch.</summary>
    /// <param name="heads">[tiles × patches × cells, width], float32: what the heads say.</param>
    /// <param name="labels">What is true of the same cells.</param>
    /// <returns>A number with a gradient.</returns>
    public Tensor Of(Tensor heads, CellLabels labels)
    {
        using var scope = NewDisposeScope();
        var parts = heads.split([TowerHeads.Shapes, TowerHeads.Colours, TowerHeads.Characters, TowerHeads.Flags], 1);
        var shapes = Classes(labels.Shapes);
        var loss = nn.functional.cross_entropy(parts[0], shapes, _shapes)
            + nn.functional.cross_entropy(parts[1], Classes(labels.Colours), _colours)
            + (LetterWeight * nn.functional.cross_entropy(parts[2], Classes(labels.Characters), _characters, CellLabels.Unknown));
        var isObject = shapes.gt(0).to(ScalarType.Float32);
        var filled = nn.functional.binary_cross_entropy_with_logits(
            parts[3].select(1, 0), Truth(labels.Filled), isObject, nn.Reduction.Sum) / (isObject.sum() + 1);
        var objects = nn.functional.binary_cross_entropy_with_logits(
            parts[3].select(1, 1), Truth(labels.ObjectCentres), pos_weights: _centre);
        var glyphs = nn.functional.binary_cross_entropy_with_logits(
            parts[3].select(1, 2), Truth(labels.GlyphCentres), pos_weights: _centre);
        return (loss + (FlagWeight * (filled + objects + glyphs))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _shapes.Dispose();
        _colours.Dispose();
        _characters.Dispose();
        _centre.Dispose();
    }

    private static Tensor Weights(int classes)
    {
        using var scope = NewDisposeScope();
        var weights = ones(classes, dtype: ScalarType.Float32);
        weights[0] = EmptyWeight;
        return weights.DetachFromDisposeScope();
    }

    private static Tensor Classes(sbyte[] labels) => Bytes(labels).to(ScalarType.Int64);

    private static Tensor Truth(sbyte[] labels) => Bytes(labels).to(ScalarType.Float32);

    private static Tensor Bytes(sbyte[] labels)
    {
        var bytes = empty(labels.Length, dtype: ScalarType.Int8);
        MemoryMarshal.AsBytes<sbyte>(labels).CopyTo(bytes.bytes);
        return bytes;
    }
}
