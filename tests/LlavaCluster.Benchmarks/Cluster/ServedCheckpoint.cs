using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;

namespace LlavaCluster.Benchmarks.Cluster;

/// <summary>What silo and engine alone have in common: flags by their options.</summary>
/// <param name="Shared">Each flag with its option and value.</param>
internal sealed record ServedCheckpoint(IReadOnlyList<(string Flag, string Option, string Value)> Shared)
{
    /// <summary>Most turns at once.</summary>
    public const int Most = 64;

    /// <summary>The tiny golden one: the engine is quick, and the rest is seen.</summary>
    public static ServedCheckpoint Golden { get; } = Of(GoldenFolder.Of("checkpoints", "vicuna"), threads: 0);

    /// <summary>The same as configuration.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Settings =>
        Shared.Select(s => KeyValuePair.Create($"Llava:{s.Option}", (string?)s.Value));

    /// <summary>
    /// Writes one whose steps take as long as those of a model on a device of its own: it computes on one core, which is then as busy as a
    /// device with work, and leaves the others to the cluster.
    /// </summary>
    /// <param name="folder">A new folder.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static ServedCheckpoint Steady(string folder, CancellationToken cancellationToken)
    {
        var preset = SyntheticPreset.Named("bench") with
        {
            Hidden = 512,
            Intermediate = 1408,
            Layers = 6,
            Heads = 8,
            VocabularySize = 2048,
            ImageTokenId = 2000,
            VisionHidden = 32,
            VisionIntermediate = 96,
            VisionLayers = 4,
            VisionHeads = 2,
        };
        SyntheticCheckpoint.Write(
            folder,
            new SyntheticOptions { Preset = preset, TokenizerFolder = GoldenFolder.Of("checkpoints", "vicuna"), DType = "float32" },
            cancellation: cancellationToken);
        return Of(folder, threads: 1);
    }

    private static ServedCheckpoint Of(string folder, int threads) => new(
    [
        ("--model", "Model", folder),
        ("--threads", "Threads", $"{threads}"),
        ("--max-sequences", "MaxSequences", $"{Most}"),
        ("--kv-cache-mib", "KvCacheMib", "256"),
    ]);
}
