using System.ComponentModel.DataAnnotations;

namespace LlavaCluster.Silo.Hosting;

/// <summary>How the engines share their time. Configuration section <c>Llava</c>.</summary>
internal sealed class EngineOptions
{
    /// <summary>Most tokens that one step computes; longer prompts take several steps.</summary>
    [Range(16, 1 << 20)]
    public int StepTokens { get; set; } = 512;

    /// <summary>Most sequences that run at once.</summary>
    [Range(1, 4096)]
    public int MaxSequences { get; set; } = 16;

    /// <summary>Most sequences that wait.</summary>
    [Range(0, 1 << 20)]
    public int QueueLength { get; set; } = 256;

    /// <summary>Memory for image features that were computed before, MiB.</summary>
    [Range(0, 1 << 20)]
    public int FeatureCacheMib { get; set; } = 512;
}
