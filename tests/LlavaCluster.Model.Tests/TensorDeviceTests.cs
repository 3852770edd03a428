using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests;

public sealed class TensorDeviceTests
{
    [Theory]
    [InlineData("auto", ScalarType.BFloat16, 2)]
    [InlineData("bfloat16", ScalarType.BFloat16, 2)]
    [InlineData("float16", ScalarType.Float16, 2)]
    [InlineData("float32", ScalarType.Float32, 4)]
    public void Open_Cpu_HasTheTypeNamed(string dtype, ScalarType type, int size)
    {
        var device = TensorDevice.Open("cpu", dtype);
        Assert.Equal((type, size, true), (device.Type, device.ElementSize, device.IsCpu));
    }

    [Theory]
    [InlineData("cpu", "int8", "Dtype 'int8' is unknown; auto, float32, bfloat16 and float16 are served.")]
    [InlineData("gpu", "auto", "Device 'gpu' is unknown; cpu, cuda and cuda:<number> are served.")]
    [InlineData("cuda:-1", "auto", "Device 'cuda:-1' is unknown; cpu, cuda and cuda:<number> are served.")]
    [InlineData("cuda:x", "auto", "Device 'cuda:x' is unknown; cpu, cuda and cuda:<number> are served.")]
    public void Open_UnknownName_IsRefused(string device, string dtype, string message)
        => Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => TensorDevice.Open(device, dtype)).Message);

    [Fact]
    public void Open_GpuThatIsNotThere_SaysWhatToDo()
    {
        if (cuda.is_available())
        {
            Assert.Equal(ScalarType.BFloat16, TensorDevice.Open("cuda:0", "auto").Type);
            return;
        }

        var error = Assert.Throws<ArgumentException>(() => TensorDevice.Open("cuda:1", "auto"));
        Assert.StartsWith(
            "Device 'cuda:1' is asked for, but torch finds no GPU: this build carries CPU libraries, or the driver is missing. "
            + "Build with -p:TorchBackend=cuda on a machine with a GPU, or use device cpu.",
            error.Message);
    }
}
