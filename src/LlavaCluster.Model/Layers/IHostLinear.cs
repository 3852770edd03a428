namespace LlavaCluster.Model.Layers;

/// <summary>A linear layer without bias on the fast path. Engine thread only.</summary>
internal interface IHostLinear
{
    /// <summary>y = x · weightᵀ.</summary>
    /// <param name="x">[rows, inputs]</param>
    /// <param name="rows">Rows.</param>
    /// <param name="y">[rows, outputs], filled.</param>
    void Forward(HostBuffer x, int rows, HostBuffer y);
}
