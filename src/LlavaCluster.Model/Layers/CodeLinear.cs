using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Quantised;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>
/// <see cref="HostLinear"/> over codes: some rows by our kernel, many over the weights written out, by our product of stored weights or by
/// torch's, where these give the same bits.
/// </summary>
/// <param name="codes">[outputs, inputs], not disposed here.</param>
/// <param name="form">Form of the activations.</param>
/// <param name="kernels">Our kernels.</param>
/// <param name="manyByTorch">Torch's product has our bits: see <see cref="TorchOrder"/>.</param>
/// <param name="product">Our product of stored weights where it is the faster one for many rows; else null.</param>
internal sealed unsafe class CodeLinear(
    CodeMatrix codes, NumberForm form, CodeKernels kernels, bool manyByTorch, MatrixProduct? product) : IHostLinear
{
    /// <summary>Fewer rows are not worth writing the weights out.</summary>
    private const int ManyRows = 48;

    /// <inheritdoc/>
    public void Forward(HostBuffer x, int rows, HostBuffer y)
    {
        if (rows < ManyRows || (!manyByTorch && product is null))
        {
            kernels.Product.Compute(form, x.Memory, rows, codes, y.Room(rows));
            return;
        }

        using var scope = NewDisposeScope();
        var written = empty(codes.Outputs, codes.Inputs, dtype: ScalarType.BFloat16);
        kernels.Expansion.Compute(codes, (ushort*)HostMemory.Of(written));
        if (product is null)
        {
            y.Take(nn.functional.linear(x.Rows(rows), written));
        }
        else
        {
            var weights = HostMemory.Of(written);
            product.Compute(NumberForm.BFloat16, x.Memory, rows, weights, codes.Outputs, codes.Inputs, y.Room(rows));
        }

        if (codes.Form == WeightForm.Int8)
        {
            kernels.Scales.Compute(form, y.Memory, rows, codes);
        }
    }
}

/// <summary>What all layers in codes share.</summary>
/// <param name="path">Which instructions.</param>
/// <param name="pool">Who computes.</param>
internal sealed class CodeKernels(KernelPath path, WorkerPool pool) : IDisposable
{
    /// <summary>Products.</summary>
    public CodeProduct Product { get; } = new(path, pool);

    /// <summary>Codes to weights.</summary>
    public CodeExpansion Expansion { get; } = new(path, pool);

    /// <summary>The scales of int8.</summary>
    public CodeScales Scales { get; } = new(pool);

    /// <inheritdoc/>
    public void Dispose()
    {
        Product.Dispose();
        Expansion.Dispose();
        Scales.Dispose();
    }
}
