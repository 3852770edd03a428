using System.ComponentModel.DataAnnotations;

namespace LlavaCluster.Silo.Hosting;

/// <summary>Which model is served, and how. Configuration section <c>Llava</c>.</summary>
internal sealed class ModelOptions : IValidatableObject
{
    private static readonly string[] KnownTypes = ["auto", "float32", "bfloat16", "float16"];

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

    /// <summary>Threads that torch computes on; 0: all cores.</summary>
    [Range(0, 1024)]
    public int Threads { get; set; }

    /// <summary>Name of the prompt template; null: the checkpoint's own.</summary>
    public string? Template { get; set; }

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!KnownTypes.Contains(Dtype))
        {
            yield return new($"dtype '{Dtype}' is unknown; {string.Join(", ", KnownTypes)} are known.");
        }
    }
}
