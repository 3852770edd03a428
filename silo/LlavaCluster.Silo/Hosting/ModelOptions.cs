using System.ComponentModel.DataAnnotations;
using LlavaCluster.Model;

namespace LlavaCluster.Silo.Hosting;

/// <summary>Which model is served, and how. Configuration section <c>Llava</c>.</summary>
internal sealed class ModelOptions : IValidatableObject
{
    private static readonly string[] KnownTypes = ["auto", "float32", "bfloat16", "float16"];
    private static readonly string[] KnownKernels = ["auto", "fast", "torch"];

    /// <summary>Checkpoint folder, or <c>tiny</c> for the one that comes with the program.</summary>
    public string Model { get; set; } = "tiny";

    /// <summary>
    /// Number form to compute in; <c>auto</c>: float32 where the checkpoint stores that or is small, else bfloat16.
    /// </summary>
    public string Dtype { get; set; } = "auto";

    /// <summary>cpu, cuda, or cuda:1 for the second GPU.</summary>
    public string Device { get; set; } = "cpu";

    /// <summary>Ranks that the language model is split over, all in this process.</summary>
    [Range(1, 64)]
    public int TensorParallel { get; set; } = 1;

    /// <summary>Memory for KV blocks of one rank, MiB; 0: by the free memory.</summary>
    [Range(0, 1 << 24)]
    public int KvCacheMib { get; set; }

    /// <summary>Threads to compute on; 0: all cores.</summary>
    [Range(0, 1024)]
    public int Threads { get; set; }

    /// <summary>
    /// Who computes the language model: fast, our own kernels for a CPU, with the same bits under any load, and on a GPU for the attention
    /// of answers; torch, the reference; auto: fast on a CPU, torch on a GPU.
    /// </summary>
    public string Kernels { get; set; } = "auto";

    /// <summary>
    /// How the language model's matrices are kept: full; int8, a scale for each output; int4, a scale for every 32 inputs.
    /// </summary>
    public string Weights { get; set; } = "full";

    /// <summary>Weights of int8 or int4 are kept in a file beside the checkpoint, for the next start.</summary>
    public bool WeightsCache { get; set; }

    /// <summary>Name of the prompt template; null: the checkpoint's own.</summary>
    public string? Template { get; set; }

    /// <summary>Who computes, and with which matrices: what must be alike where bits are to be alike.</summary>
    public string KernelsInUse => Weights == "full" ? Kernels : $"{Kernels} on {Weights} weights";

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!KnownTypes.Contains(Dtype))
        {
            yield return new($"dtype '{Dtype}' is unknown; {string.Join(", ", KnownTypes)} are known.");
        }

        if (!WeightForms.Names.Contains(Weights))
        {
            yield return new($"weights '{Weights}' are unknown; {string.Join(", ", WeightForms.Names)} are known.");
        }

        if (WeightsCache && Weights == "full")
        {
            yield return new("A weights cache is for weights int8 or int4; weights in full are the checkpoint's own files.");
        }

        if (!KnownKernels.Contains(Kernels))
        {
            yield return new($"kernels '{Kernels}' is unknown; {string.Join(", ", KnownKernels)} are known.");
        }
        else if (Kernels == "fast" && Device != "cpu")
        {
            yield return new($"kernels 'fast' compute on a CPU; for device '{Device}' take kernels 'torch'.");
        }
    }
}
