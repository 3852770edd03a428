using TorchSharp.Modules;

namespace LlavaCluster.Training.Recipe.Optimizing;

/// <summary>A parameter of the network and the tensors that it is in a checkpoint.</summary>
/// <param name="Part">What it belongs to.</param>
/// <param name="Live">The parameter that the network computes with, in the compute dtype.</param>
/// <param name="Tensors">Names and shapes of the tensors that lie in it one below the other: three in a fused q, k, v.</param>
internal sealed record LearnedWeight(WeightPart Part, Parameter Live, IReadOnlyList<(string Name, long[] Shape)> Tensors)
{
    /// <summary>Name of its first tensor, which no other weight has.</summary>
    public string Name => Tensors[0].Name;

    /// <summary>How many numbers.</summary>
    public long Count { get; } = Live.numel();

    /// <summary>
    /// Whether weight decay pulls at it: at matrices, not at norms, biases and tables, whose size has a meaning of its own.
    /// </summary>
    public bool Decays { get; } = Live.shape.Length > 1
        && !Tensors[0].Name.Contains("embed_tokens", StringComparison.Ordinal)
        && !Tensors[0].Name.Contains("position_embedding", StringComparison.Ordinal);
}
