using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests;

/// <summary>
/// Where tests compute that hold on every device: what <c>LLAVA_TEST_DEVICE</c> names (cpu, cuda, cuda:1), the CPU without it. Tests of
/// what there is on a CPU only, and those of equal bits, which torch's products on a GPU do not promise, stay on the CPU.
/// </summary>
internal static class TestDevice
{
    private static readonly string Name = Environment.GetEnvironmentVariable("LLAVA_TEST_DEVICE") is { Length: > 0 } name ? name : "cpu";

    /// <summary>It is the CPU.</summary>
    public static bool IsCpu => Name == "cpu";

    /// <summary>That device, for a type.</summary>
    public static TensorDevice Of(ScalarType type) => TensorDevice.Open(Name, type.ToString().ToLowerInvariant());
}
