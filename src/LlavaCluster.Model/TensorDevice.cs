using LlavaCluster.Model.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model;

/// <summary>Where a rank's tensors live and in which number form they are computed.</summary>
/// <param name="Device">The CPU or one GPU.</param>
/// <param name="Type">float32, bfloat16 or float16.</param>
public sealed record TensorDevice(Device Device, ScalarType Type)
{
    /// <summary>The device and type that configuration names.</summary>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:n</c>.</param>
    /// <param name="dtype"><c>float32</c>, <c>bfloat16</c>, <c>float16</c>, or <c>auto</c>: bfloat16.</param>
    /// <exception cref="ArgumentException">An unknown name, or a GPU that is not there.</exception>
    public static TensorDevice Open(string device, string dtype) => new(FindDevice(device), ParseType(dtype));

    /// <summary>The type that configuration names.</summary>
    /// <param name="dtype"><c>float32</c>, <c>bfloat16</c>, <c>float16</c>, or <c>auto</c>: bfloat16.</param>
    public static ScalarType ParseType(string dtype) => dtype switch
    {
        "auto" or "bfloat16" => ScalarType.BFloat16,
        "float16" => ScalarType.Float16,
        "float32" => ScalarType.Float32,
        _ => throw new ArgumentException($"Dtype '{dtype}' is unknown; auto, float32, bfloat16 and float16 are served.", nameof(dtype)),
    };

    /// <summary>Lets torch use this many threads for one operator; 0: one for each processor. For the whole process.</summary>
    public static void UseThreads(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        set_num_threads(count == 0 ? Environment.ProcessorCount : count);
    }

    /// <summary>Bytes of one number.</summary>
    public int ElementSize => Type == ScalarType.Float32 ? 4 : 2;

    /// <summary>Memory of the GPU that nobody has, bytes, by its driver; null: the tensors are in host memory.</summary>
    public long? FreeGpuBytes() => IsCpu ? null : CudaDriver.Open().FreeBytes(Device.index);

    /// <summary>The tensors are in host memory.</summary>
    public bool IsCpu => Device.type == DeviceType.CPU;

    private static Device FindDevice(string name)
    {
        if (name == "cpu")
        {
            return CPU;
        }

        var index = 0;
        if (name != "cuda" && !(name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out index) && index >= 0))
        {
            throw new ArgumentException($"Device '{name}' is unknown; cpu, cuda and cuda:<number> are served.", nameof(name));
        }

        if (!cuda.is_available())
        {
            throw new ArgumentException(
                $"Device '{name}' is asked for, but torch finds no GPU: this build carries CPU libraries, or the driver is missing. "
                + "Build with -p:TorchBackend=cuda on a machine with a GPU, or use device cpu.",
                nameof(name));
        }

        CudaSwitches.Apply();
        var count = cuda.device_count();
        return index < count
            ? new Device(DeviceType.CUDA, index)
            : throw new ArgumentException($"Device '{name}' is asked for, but there are {count} GPUs: cuda:0 to cuda:{count - 1}.", nameof(name));
    }
}
