using TorchSharp;
using Xunit;

namespace LlavaCluster.Model.Tests;

public sealed class TorchLoadsTests
{
    [Fact]
    public void Torch_OnThisHost_Computes()
    {
        using var scope = torch.NewDisposeScope();
        Assert.Equal(3f, torch.ones(3).sum().item<float>());
    }
}
