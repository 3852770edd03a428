using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Engine;

/// <summary>The run of placeholder ids that one image takes in a sequence.</summary>
/// <param name="Offset">Position of its first token in the sequence, from 0.</param>
/// <param name="Length">Tokens.</param>
/// <param name="Image">Address of the image.</param>
/// <param name="Width">Pixels of a row of the upright picture; with the height it gives the geometry.</param>
/// <param name="Height">Rows of the upright picture.</param>
public sealed record ImageSpan(int Offset, int Length, ImageHash Image, int Width, int Height)
{
    /// <summary>One past the last position.</summary>
    public int End => Offset + Length;
}
