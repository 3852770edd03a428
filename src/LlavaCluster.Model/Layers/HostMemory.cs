using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>Tensors in host memory as plain memory.</summary>
internal static unsafe class HostMemory
{
    /// <summary>First byte of a contiguous tensor, of any size. Torch memory does not move; it lives as long as the tensor.</summary>
    public static byte* Of(Tensor tensor)
    {
        // Spans end at 2 GB, so only the first element is asked for.
        using var flat = tensor.view(-1);
        using var first = flat.narrow(0, 0, 1);
        fixed (byte* memory = first.bytes)
        {
            return memory;
        }
    }
}
