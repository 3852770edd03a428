using System.Diagnostics;
using LlavaCluster.Model.Kernels;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>
/// A linear layer over the memory of its torch weight: a few rows by our kernel, many by torch where that gives the same
/// bits, else by our kernel too.
/// </summary>
internal sealed unsafe class HostLinear : IHostLinear
{
    private readonly MatrixProduct _product;
    private readonly Tensor _weight;
    private readonly byte* _memory;
    private readonly byte* _bias;
    private readonly NumberForm _form;
    private readonly int _outputs;
    private readonly int _inputs;
    private readonly bool _manyByTorch;
    private readonly int _tiled;

    /// <param name="weight">[outputs, inputs], not disposed here.</param>
    /// <param name="product">Our product.</param>
    /// <param name="manyByTorch">Torch's product has our bits: see <see cref="TorchOrder"/>.</param>
    /// <param name="bias">[outputs], not disposed here; null: none. Only with our product.</param>
    /// <param name="tiled">So many outputs lie in <see cref="TileOrder"/>. Only with our product.</param>
    public HostLinear(Tensor weight, MatrixProduct product, bool manyByTorch, Tensor? bias = null, int tiled = 0)
    {
        Debug.Assert((bias is null && tiled == 0) || !manyByTorch, "Torch's product knows neither the bias nor tiles.");
        _tiled = tiled;
        _bias = bias is null ? null : HostMemory.Of(bias);
        (_weight, _product, _manyByTorch, _form) = (weight, product, manyByTorch, NumberForms.Of(weight.dtype));
        (_outputs, _inputs) = ((int)weight.shape[0], (int)weight.shape[1]);
        _memory = HostMemory.Of(weight);
    }

    /// <inheritdoc/>
    public void Forward(HostBuffer x, int rows, HostBuffer y)
    {
        if (rows > HostBuffer.FewRows && _manyByTorch)
        {
            using var scope = NewDisposeScope();
            y.Take(nn.functional.linear(x.Rows(rows), _weight));
            return;
        }

        _product.Compute(_form, x.Memory, rows, _memory, _outputs, _inputs, y.Room(rows), _bias, _tiled);
    }
}
