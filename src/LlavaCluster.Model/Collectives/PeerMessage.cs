using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>What a message between two ranks is about.</summary>
internal enum PeerMessageKind : ushort
{
    AllReduce = 1,
    AllGather = 2,
    Broadcast = 3,

    /// <summary>The sender cannot go on; the bytes are its reason, UTF-8.</summary>
    Abort = 100,

    /// <summary>The sender has ended as it should; nothing follows.</summary>
    Leave = 101,
}

/// <summary>
/// Before the bytes of each message. Both ranks know what must come, so it is a check, never a size to allocate.
/// </summary>
/// <param name="Call">Number of the exchange, from 1; 0 for the last words.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="Type">Type of the numbers; −1 where they are only bytes.</param>
/// <param name="Bytes">Bytes that follow.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct PeerMessage(uint Call, PeerMessageKind Kind, short Type, long Bytes)
{
    /// <summary>Bytes of this on the wire, little endian.</summary>
    public const int Size = 16;

    /// <summary>Most bytes of a reason.</summary>
    public const int MaxReason = 512;

    public override string ToString()
    {
        var of = Type < 0 ? "" : $" of {(ScalarType)Type}";
        return $"{Bytes} bytes{of} for {Kind} in exchange {Call}";
    }
}
