namespace LlavaCluster.Model.Kernels;

/// <summary>How the numbers of weights, activations and KV are stored.</summary>
internal enum NumberForm
{
    /// <summary>32 bits.</summary>
    Float32,

    /// <summary>The upper half of a float32.</summary>
    BFloat16,

    /// <summary>IEEE half.</summary>
    Float16,
}
