using static TorchSharp.torch;

namespace LlavaCluster.Model.KvCache;

/// <summary>
/// Keeps nothing: whole sequences from position 0 in one step. Nothing is written in place, so the forward pass has a gradient; tests
/// compare the paged path against it.
/// </summary>
internal sealed class NoKvCache : IKvStore
{
    private readonly Dictionary<int, (Tensor Keys, Tensor Values)> _parts = [];

    /// <inheritdoc/>
    public void Write(int layer, Tensor keys, Tensor values, StepInput step)
    {
        // The parts live as long as the layer's other tensors: in the scope of whoever writes.
        var (keyParts, valueParts) = (step.Split(keys), step.Split(values));
        _parts.Clear();
        for (var i = 0; i < keyParts.Length; i++)
        {
            _parts.Add(step.Spans[i].Offset, (keyParts[i], valueParts[i]));
        }
    }

    /// <inheritdoc/>
    public (Tensor Keys, Tensor Values) Read(int layer, Tensor keys, Tensor values, SequenceSpan span) => _parts[span.Offset];
}
