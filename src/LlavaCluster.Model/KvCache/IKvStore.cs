using static TorchSharp.torch;

namespace LlavaCluster.Model.KvCache;

/// <summary>Where attention layers leave keys and values and find those of earlier tokens. Engine thread only.</summary>
internal interface IKvStore
{
    /// <summary>Keeps what a layer computed in this step.</summary>
    /// <param name="layer">Number of the layer.</param>
    /// <param name="keys">[tokens, kv_heads, head_dim], all slices of the step one after the other. Not disposed here.</param>
    /// <param name="values">As <paramref name="keys"/>.</param>
    /// <param name="step">The step.</param>
    void Write(int layer, Tensor keys, Tensor values, StepInput step);

    /// <summary>Keys and values that a sequence's new tokens may look at, after <see cref="Write"/>.</summary>
    /// <param name="layer">Number of the layer.</param>
    /// <param name="keys">What was written in this step.</param>
    /// <param name="values">What was written in this step.</param>
    /// <param name="span">The sequence's part of the step.</param>
    /// <returns>[context − span.FirstKey, kv_heads, head_dim] each; may share memory with the store: only to be read.</returns>
    (Tensor Keys, Tensor Values) Read(int layer, Tensor keys, Tensor values, SequenceSpan span);

    /// <summary>Attends for the step's decodes straight from where keys and values lie, after <see cref="Write"/>.</summary>
    /// <param name="layer">Number of the layer.</param>
    /// <param name="query">[tokens, heads, head_dim], all slices of the step one after the other.</param>
    /// <param name="step">The step.</param>
    /// <returns>
    /// [tokens, heads × head_dim], in the caller's dispose scope: rows of decodes are filled, the others hold anything. Null: the store
    /// cannot, or there are no decodes.
    /// </returns>
    Tensor? TryAttend(int layer, Tensor query, StepInput step) => null;
}
