using Xunit;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>
/// 16-bit serving is near float32: given the reference's own tokens so far, it would choose the same next token most of the time. The
/// golden models are random, so their logits lie closer together than a trained model's.
/// </summary>
public sealed class SixteenBitTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("vicuna", ScalarType.BFloat16, KernelChoice.Torch, 0.85)]
    [InlineData("vicuna", ScalarType.BFloat16, KernelChoice.Fast, 0.85)]
    [InlineData("mistral", ScalarType.BFloat16, KernelChoice.Torch, 0.85)]
    [InlineData("mistral", ScalarType.BFloat16, KernelChoice.Fast, 0.85)]
    [InlineData("yi", ScalarType.BFloat16, KernelChoice.Torch, 0.85)]
    [InlineData("yi", ScalarType.BFloat16, KernelChoice.Fast, 0.85)]
    [InlineData("vicuna", ScalarType.Float16, KernelChoice.Torch, 0.97)]
    [InlineData("vicuna", ScalarType.Float16, KernelChoice.Fast, 0.97)]
    [InlineData("mistral", ScalarType.Float16, KernelChoice.Torch, 0.97)]
    [InlineData("mistral", ScalarType.Float16, KernelChoice.Fast, 0.97)]
    [InlineData("yi", ScalarType.Float16, KernelChoice.Torch, 0.97)]
    [InlineData("yi", ScalarType.Float16, KernelChoice.Fast, 0.97)]
    public void Run_In16Bit_MostlyChoosesTheReferenceTokens(string checkpoint, ScalarType type, KernelChoice kernels, double share)
    {
        var model = GoldenModel.Of(checkpoint, type);
        using var runner = model.Runner(kernels: kernels);
        var next = NextTokens.Of(runner, model);
        output.WriteLine($"{checkpoint} {type} {kernels}: {next}");
        Assert.InRange(next.Share, share, 1);
    }
}
