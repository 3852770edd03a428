using System.Runtime.InteropServices;

namespace LlavaCluster.Model.Kernels;

/// <summary>Float32 memory outside the managed heap that grows when needed and is then kept, on cache-line borders.</summary>
internal sealed unsafe class Scratch : IDisposable
{
    private long _length;

    /// <summary>The memory; moves when it grows.</summary>
    public float* Memory { get; private set; }

    /// <summary>Makes room; what was there is lost when it grows.</summary>
    /// <param name="length">Numbers.</param>
    /// <returns>The memory.</returns>
    public float* Room(long length)
    {
        if (length > _length)
        {
            NativeMemory.AlignedFree(Memory);
            Memory = null;
            Memory = (float*)NativeMemory.AlignedAlloc((nuint)length * sizeof(float), 64);
            _length = length;
        }

        return Memory;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Memory);
        Memory = null;
        _length = 0;
    }
}
