using static TorchSharp.torch;

namespace LlavaCluster.Model.KvCache;

/// <summary>
/// Keeps nothing: whole sequences from position 0 in one step. Nothing is written in place, so the forward pass has a gradient; tests
/// compare the paged path against it.
/// </summary>
internal sealed class NoKvCache : IKvStore
{
    /// <inheritdoc/>
    public void Write(int layer, Tensor keys, Tensor values, StepInput step)
    {
    }

    /// <inheritdoc/>
    public (Tensor Keys, Tensor Values) Read(int layer, Tensor keys, Tensor values, SequenceSpan span)
        => (keys.narrow(0, span.Offset, span.Length), values.narrow(0, span.Offset, span.Length));
}
