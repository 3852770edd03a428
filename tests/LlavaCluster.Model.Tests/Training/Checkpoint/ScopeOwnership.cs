using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Training.Checkpoint;

/// <summary>Tensors of a weight source belong to nobody; tests give them to their scope.</summary>
internal static class ScopeOwnership
{
    /// <summary>The tensor, which ends with the scope.</summary>
    public static Tensor Own(this DisposeScope scope, Tensor tensor)
    {
        scope.Attach(tensor);
        return tensor;
    }
}
