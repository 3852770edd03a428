using LlavaCluster.Model.Weights;

namespace LlavaCluster.Training.Checkpoint;

/// <summary>The sizes of the small model that is trained here. The defaults are those of the embedded one, which fits into 10 MB.</summary>
internal sealed record TinyShape
{
    /// <summary>Pixels of a tile's side.</summary>
    public int TileSide { get; init; } = 112;

    /// <summary>Pixels of a patch's side.</summary>
    public int PatchSide { get; init; } = 14;

    /// <summary>Width of the vision tower.</summary>
    public int TowerHidden { get; init; } = 192;

    /// <summary>Heads of the vision tower.</summary>
    public int TowerHeads { get; init; } = 6;

    /// <summary>Layers of the vision tower; all are used, since the features are the output of the last.</summary>
    public int TowerLayers { get; init; } = 6;

    /// <summary>Width of the vision tower's MLP.</summary>
    public int TowerMlp { get; init; } = 768;

    /// <summary>Width of the language model and of the projector's two layers.</summary>
    public int Hidden { get; init; } = 192;

    /// <summary>Heads of the language model, for queries, keys and values alike.</summary>
    public int Heads { get; init; } = 6;

    /// <summary>Layers of the language model.</summary>
    public int Layers { get; init; } = 4;

    /// <summary>Width of the language model's gated MLP.</summary>
    public int Mlp { get; init; } = 512;

    /// <summary>Rows of the embedding; the tokenizer has at most as many ids.</summary>
    public int Vocabulary { get; init; } = 768;

    /// <summary>Longest sequence, tokens.</summary>
    public int Context { get; init; } = 2048;

    /// <summary>The same sizes in the words of published configurations.</summary>
    /// <param name="padId">Id of padding.</param>
    public SyntheticPreset ToPreset(int padId) => new()
    {
        Hidden = Hidden,
        Intermediate = Mlp,
        Layers = Layers,
        Heads = Heads,
        VocabularySize = Vocabulary,
        MaxPositions = Context,
        PadId = padId,
        VisionHidden = TowerHidden,
        VisionIntermediate = TowerMlp,
        VisionLayers = TowerLayers,
        VisionHeads = TowerHeads,
        ImageSide = TileSide,
        PatchSide = PatchSide,
        FeatureLayer = -1,
        ProjectionDim = TowerHidden,
    };
}
