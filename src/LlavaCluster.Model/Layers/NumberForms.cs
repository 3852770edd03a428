using LlavaCluster.Model.Kernels;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>Torch's types as the kernels name them.</summary>
internal static class NumberForms
{
    /// <summary>The form of a type.</summary>
    /// <exception cref="ArgumentException">Kernels do not compute in it.</exception>
    public static NumberForm Of(ScalarType type) => type switch
    {
        ScalarType.Float32 => NumberForm.Float32,
        ScalarType.BFloat16 => NumberForm.BFloat16,
        ScalarType.Float16 => NumberForm.Float16,
        _ => throw new ArgumentException($"Kernels compute in float32, bfloat16 and float16, not in {type}.", nameof(type)),
    };
}
