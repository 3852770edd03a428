using LlavaCluster.Core.Imaging;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Vision;

/// <summary>
/// Puts an image's projected tiles into the order of its tokens (<c>pack_image_features</c> of transformers): the base tile, then the
/// unpadded patch grid row by row, one new-line vector after each row.
/// </summary>
internal static class FeaturePacker
{
    /// <param name="tiles">[tiles, patches, hidden], base tile first.</param>
    /// <param name="geometry">The picture's layout.</param>
    /// <param name="newline">[hidden]; null where the model has none (LLaVA-1.5), which has no grid either.</param>
    /// <returns>[tokens, hidden]</returns>
    public static Tensor Pack(Tensor tiles, ImageGeometry geometry, Tensor? newline)
    {
        using var scope = NewDisposeScope();
        var baseTile = tiles[0]; // [patches, hidden]
        if (newline is null || geometry.GridRows == 0)
        {
            return baseTile.clone().MoveToOuterDisposeScope();
        }

        long side = geometry.PatchesPerSide, hidden = tiles.shape[2];
        long rows = geometry.GridRows * side, columns = geometry.GridColumns * side;
        var grid = tiles.narrow(0, 1, geometry.Tiles - 1)
            .reshape(geometry.GridRows, geometry.GridColumns, side, side, hidden)
            .permute(0, 2, 1, 3, 4) // [grid rows, side, grid columns, side, hidden]
            .reshape(rows, columns, hidden)
            .narrow(0, geometry.FirstRow, geometry.Rows)
            .narrow(1, geometry.FirstColumn, geometry.Columns); // [rows, columns, hidden], unpadded
        var ends = newline.expand(geometry.Rows, 1, hidden);
        var lines = cat([grid, ends], 1).reshape(geometry.Rows * (geometry.Columns + 1L), hidden);
        return cat([baseTile, lines]).MoveToOuterDisposeScope(); // [tokens, hidden]
    }
}
