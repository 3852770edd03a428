using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Weights;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Network;

/// <summary>
/// First weights with which the tower's patches look at their neighbours from the start, which it would else spend its first half hour on
/// finding out: positions are waves along both axes (as in "Attention Is All You Need", along x and y), and keys begin equal to queries,
/// so that what is near is similar ("Mimetic Initialization of Self-Attention Layers", Trockman, Kolter 2023). One thread.
/// </summary>
internal sealed class LocalStart(IWeightSource source, VisionConfig vision) : IWeightSource
{
    /// <summary>Height of the waves, beside patch embeddings of about this size.</summary>
    private const double Height = 0.5;

    private const string Positions = "vision_tower.embeddings.position_embedding.weight";
    private const string Keys = ".self_attn.k_proj.weight";

    /// <inheritdoc/>
    public Tensor Read(string name, long[] shape, WeightSlice? slice = null)
    {
        if (name == Positions)
        {
            return Waves();
        }

        return name.StartsWith("vision_tower.", StringComparison.Ordinal) && name.EndsWith(Keys, StringComparison.Ordinal)
            ? source.Read(name.Replace(Keys, ".self_attn.q_proj.weight", StringComparison.Ordinal), shape, slice)
            : source.Read(name, shape, slice);
    }

    /// <summary>[1 + patches, hidden]: the class token has none.</summary>
    private Tensor Waves()
    {
        int grid = vision.ImageSide / vision.PatchSide, quarter = vision.Hidden / 4;
        var values = new float[(vision.Patches + 1) * vision.Hidden];
        for (var patch = 0; patch < vision.Patches; patch++)
        {
            var row = values.AsSpan((patch + 1) * vision.Hidden, vision.Hidden);
            var (y, x) = Math.DivRem(patch, grid);
            for (var i = 0; i < quarter; i++)
            {
                // Wave lengths from two patches to four times the tile.
                var turn = Math.PI * Math.Pow(4.0 * grid, -(double)i / quarter);
                row[4 * i] = (float)(Height * Math.Sin(x * turn));
                row[(4 * i) + 1] = (float)(Height * Math.Cos(x * turn));
                row[(4 * i) + 2] = (float)(Height * Math.Sin(y * turn));
                row[(4 * i) + 3] = (float)(Height * Math.Cos(y * turn));
            }
        }

        using var scope = NewDisposeScope();
        return tensor(values, vision.Patches + 1, vision.Hidden).DetachFromDisposeScope();
    }
}
