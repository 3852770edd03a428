using LlavaCluster.Core.Checkpoint;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Weights;

/// <summary>
/// Where modules get their weights, by our own names whatever the checkpoint calls them:
/// <c>language_model.embed_tokens.weight</c>, <c>language_model.layers.N.self_attn.q_proj.weight</c>, <c>language_model.norm.weight</c>,
/// <c>lm_head.weight</c>, <c>vision_tower.embeddings.class_embedding</c>, <c>vision_tower.pre_layrnorm.weight</c>,
/// <c>vision_tower.encoder.layers.N.mlp.fc1.weight</c>, <c>multi_modal_projector.linear_1.weight</c>, <c>image_newline</c>.
/// One thread.
/// </summary>
public interface IWeightSource
{
    /// <summary>Reads one tensor, or the named slice of it only, to the rank's device in the compute dtype.</summary>
    /// <param name="name">Our name.</param>
    /// <param name="shape">Shape of the whole tensor that the config asks for; another shape in the file is an error.</param>
    /// <param name="slice">The part to read; null: all.</param>
    /// <returns>A new tensor, contiguous, owned by the caller (moved out of any dispose scope), without gradient.</returns>
    Tensor Read(string name, long[] shape, WeightSlice? slice = null);
}

/// <summary>A contiguous part of a tensor along one dimension.</summary>
/// <param name="Dimension">0 or 1.</param>
/// <param name="Start">First index.</param>
/// <param name="Length">How many.</param>
public readonly record struct WeightSlice(int Dimension, long Start, long Length)
{
    /// <summary>The slice of a <see cref="ShardPlan"/>.</summary>
    public static implicit operator WeightSlice(ShardSlice slice) => new(slice.Dimension, slice.Start, slice.Length);
}
