using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Quantised;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>
/// <see cref="HostLinear"/> over codes: some rows by our kernel, many by torch over the weights written out, where that gives the same
/// bits.
/// </summary>
/// <param name="codes">[outputs, inputs], not disposed here.</param>
/// <param name="form">Form of the activations.</param>
/// <param name="kernels">Our kernels.</param>
/// <param name="manyByTorch">Torch's product has our bits: see <see cref="TorchOrder"/>.</param>
internal sealed unsafe class CodeLinear(CodeMatrix codes, NumberForm form, CodeKernels kernels, bool manyByTorch) : IHostLinear
{
    /// <summary>Fewer rows are not worth writing the weights out.</summary>
    private const int ManyRows = 48;

    /// <inheritdoc/>
    public void Forward(HostBuffer x, int rows, HostBuffer y)
    {
        if (rows < ManyRows || !manyByTorch)
        {
            kernels.Product.Compute(form, x.Memory, rows, codes, y.Room(rows));
            return;
        }

        using var scope = NewDisposeScope();
        var written = empty(codes.Outputs, codes.Inputs, dtype: ScalarType.BFloat16);
        kernels.Expansion.Compute(codes, (ushort*)HostMemory.Of(written));
        y.Take(nn.functional.linear(x.Rows(rows), written));
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
