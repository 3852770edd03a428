using System.Runtime.InteropServices;

namespace LlavaCluster.Grains.Contracts;

/// <summary>
/// A run of bytes that travels without being copied to the managed heap: the sender borrows it from its features, the receiver of
/// another silo gets native memory of its own, a receiver in the same silo gets the sender's memory.
/// </summary>
[Alias("llava.FeatureBytes")]
public sealed unsafe class FeatureBytes : IDisposable
{
    /// <summary>Most bytes of one message: longer ones hold up small calls between the same two silos.</summary>
    public const int MaxLength = 1 << 20;

    private readonly ReadOnlyMemory<byte> _borrowed;
    private readonly int _length;
    private byte* _native;

    private FeatureBytes(ReadOnlyMemory<byte> borrowed)
    {
        _borrowed = borrowed;
        _length = borrowed.Length;
        GC.SuppressFinalize(this);
    }

    private FeatureBytes(int length)
    {
        _length = length;
        _native = (byte*)NativeMemory.Alloc((nuint)Math.Max(length, 1));
    }

    /// <summary>Frees what a message that was rejected or forwarded never handed to our code.</summary>
    ~FeatureBytes() => Free();

    /// <summary>Bytes.</summary>
    public int Length => _length;

    /// <summary>The bytes; valid until disposed.</summary>
    public ReadOnlySpan<byte> Span => _native != null ? new(_native, _length) : _borrowed.Span;

    /// <summary>Wraps memory that stays as it is until the message is written.</summary>
    public static FeatureBytes Borrow(ReadOnlyMemory<byte> memory)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(memory.Length, MaxLength);
        return new FeatureBytes(memory);
    }

    /// <summary>Native memory to be filled through <paramref name="target"/> at once.</summary>
    internal static FeatureBytes Allocate(int length, out Span<byte> target)
    {
        var bytes = new FeatureBytes(length);
        target = new Span<byte>(bytes._native, length);
        return bytes;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.Free(_native);
        _native = null;
    }
}
