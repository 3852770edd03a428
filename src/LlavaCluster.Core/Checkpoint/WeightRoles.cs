namespace LlavaCluster.Core.Checkpoint;

/// <summary>Parts of a model that a node may need alone.</summary>
[Flags]
public enum WeightRoles
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The language model with embedding and output layer.</summary>
    Language = 1,

    /// <summary>The vision tower.</summary>
    Vision = 2,

    /// <summary>Projector and image_newline: they run where the language model does.</summary>
    Projector = 4,

    /// <summary>The whole model.</summary>
    All = Language | Vision | Projector,
}
