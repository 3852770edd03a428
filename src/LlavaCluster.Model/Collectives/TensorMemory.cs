using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>Where a tensor's numbers lie.</summary>
internal static unsafe partial class TensorMemory
{
    /// <summary>Address of the first number, in host or device memory. The tensor must be contiguous and outlive its use.</summary>
    public static byte* Of(Tensor tensor) => (byte*)Data(tensor.Handle);

    /// <summary>Fails for tensors that are not in host memory.</summary>
    public static void CheckHost(Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU)
        {
            throw new ArgumentException(
                $"A tensor on {tensor.device} cannot go through host memory; use the NCCL collective for ranks on GPUs.", nameof(tensor));
        }
    }

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint Data(nint tensor);
}
