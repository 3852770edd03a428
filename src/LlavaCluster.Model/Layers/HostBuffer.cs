using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>
/// Rows of activations that kernels address as memory and torch as a tensor. Room for a usual step stays; a larger one's goes with
/// <see cref="Trim"/>. Engine thread only.
/// </summary>
/// <param name="type">The activations' type.</param>
/// <param name="width">Numbers of a row.</param>
internal sealed unsafe class HostBuffer(ScalarType type, long width) : IDisposable
{
    /// <summary>Rows that are there from the beginning.</summary>
    public const int FewRows = 16;

    /// <summary>Rows that stay: as many as a step has by default, or every chunk of a prompt would touch fresh pages.</summary>
    private const int KeptRows = 512;

    private Tensor? _tensor;
    private long _rows;

    /// <summary>Its first row.</summary>
    public byte* Memory { get; private set; }

    /// <summary>Makes room; what was there is lost when it grows.</summary>
    /// <returns><see cref="Memory"/>.</returns>
    public byte* Room(int rows)
    {
        if (rows > _rows)
        {
            Take(empty(Math.Max(rows, FewRows), width, dtype: type));
        }

        return Memory;
    }

    /// <summary>Becomes the rows of a tensor, [rows, width], contiguous; takes it over.</summary>
    public void Take(Tensor tensor)
    {
        _tensor?.Dispose();
        _tensor = tensor.DetachFromDisposeScope();
        _rows = tensor.shape[0];
        Memory = HostMemory.Of(tensor);
    }

    /// <summary>The first rows as a tensor in the caller's dispose scope: a view.</summary>
    public Tensor Rows(int rows) => _tensor!.narrow(0, 0, rows);

    /// <summary>Gives back what a large step took.</summary>
    public void Trim()
    {
        if (_rows > KeptRows)
        {
            Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tensor?.Dispose();
        _tensor = null;
        _rows = 0;
        Memory = null;
    }
}
