using System.Runtime.InteropServices;

namespace LlavaCluster.Model.Collectives;

/// <summary>Memory outside the managed heap that grows to the largest size asked for and is kept. Engine thread only.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint Alignment = 64;

    private byte* _memory;
    private long _bytes;

    /// <summary>Room for so many bytes; what was in it may be gone.</summary>
    public byte* Reserve(long bytes)
    {
        if (bytes > _bytes)
        {
            Dispose();
            _memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
            _bytes = bytes;
        }

        return _memory;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        _bytes = 0;
    }
}
