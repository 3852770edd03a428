using System.Runtime.InteropServices;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests;

public sealed unsafe class CudaSwitchesTests
{
    /// <summary>The switches are in torch's part for all devices, so that a build without CUDA shows whether they arrive.</summary>
    [Fact]
    public void Apply_OnAnyBuild_ReachesTorch()
    {
        using var one = ones(1); // torch is loaded
        Assert.True(CudaSwitches.Apply());
        Assert.False(backends.cuda.matmul.allow_tf32);
        var library = NativeLibrary.Load("libtorch_cpu.so", typeof(CudaSwitches).Assembly, null);
        var context = ((delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "_ZN2at13globalContextEv"))();
        Assert.Equal(0, ((delegate* unmanaged<nint, byte>)NativeLibrary.GetExport(library, "_ZNK2at7Context19userEnabledCuDNNSDPEv"))(context));
    }
}
