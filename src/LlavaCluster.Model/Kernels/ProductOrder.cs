namespace LlavaCluster.Model.Kernels;

/// <summary>
/// In which order a product sums, so that own kernels and torch's bfloat16 product give the same bits. oneDNN's order, found by
/// experiment (DECISIONS.md) and checked where a model is loaded: the inputs fall into blocks; a block is
/// one chain from 0 over pairs, the second of a pair first; the blocks' sums are added in order; the result is rounded once.
/// </summary>
internal static class ProductOrder
{
    /// <summary>Inputs whose products are summed by themselves.</summary>
    /// <param name="inputs">Inputs of the layer.</param>
    public static int Block(int inputs) => inputs <= 1024 ? 512 : 1024;
}
