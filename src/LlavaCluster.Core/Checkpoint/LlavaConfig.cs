using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Checkpoint;

/// <summary>Which model family a checkpoint belongs to.</summary>
public enum LlavaKind
{
    /// <summary>LLaVA-NeXT (LLaVA-1.6): AnyRes tiles.</summary>
    LlavaNext,

    /// <summary>LLaVA-1.5: one tile.</summary>
    Llava15,
}

/// <summary>Whose names and config keys a checkpoint uses.</summary>
public enum CheckpointLayout
{
    /// <summary>Hugging Face transformers, any of its three name layouts.</summary>
    HuggingFace,

    /// <summary>The original LLaVA project.</summary>
    Original,
}

/// <summary>The numbers of a checkpoint, complete: fields that its files leave out have the class defaults.</summary>
public sealed record LlavaConfig
{
    /// <summary>Model family.</summary>
    public required LlavaKind Kind { get; init; }

    /// <summary>Whose names and keys.</summary>
    public required CheckpointLayout Layout { get; init; }

    /// <summary>The language model.</summary>
    public required TextConfig Text { get; init; }

    /// <summary>The vision tower.</summary>
    public required VisionConfig Vision { get; init; }

    /// <summary>How pictures are cut.</summary>
    public required ImageProcessing Images { get; init; }

    /// <summary>
    /// Placeholder id of image tokens. The original layout has none: there it is the first id past the vocabulary. Never embedded.
    /// </summary>
    public required int ImageTokenId { get; init; }

    /// <summary>Ids that end an answer; at least one.</summary>
    public required IReadOnlyList<int> EosIds { get; init; }

    /// <summary>The projector's layers have biases.</summary>
    public required bool ProjectorBias { get; init; }

    /// <summary>dtype of the weights as config.json names it ("float16"), or null.</summary>
    public string? StoredType { get; init; }
}

/// <summary>The language model (Llama or Mistral).</summary>
public sealed record TextConfig
{
    /// <summary>llama or mistral.</summary>
    public required string ModelType { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int Hidden { get; init; }

    /// <summary>Width of the gated MLP.</summary>
    public required int Intermediate { get; init; }

    /// <summary>Decoder layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Width of a head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Rows of the embedding.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Longest sequence, tokens.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Epsilon of the RMS norms.</summary>
    public required double RmsEps { get; init; }

    /// <summary>Base of the rotary embedding.</summary>
    public required double RopeTheta { get; init; }

    /// <summary>Positions that attention looks back, or null for all (Mistral's sliding window).</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>The output layer is the embedding.</summary>
    public bool TieEmbeddings { get; init; }
}

/// <summary>The vision tower (CLIP ViT).</summary>
public sealed record VisionConfig
{
    /// <summary>Width.</summary>
    public required int Hidden { get; init; }

    /// <summary>Width of the MLP.</summary>
    public required int Intermediate { get; init; }

    /// <summary>Encoder layers in the checkpoint.</summary>
    public required int Layers { get; init; }

    /// <summary>Heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Pixels of a tile's side.</summary>
    public required int ImageSide { get; init; }

    /// <summary>Pixels of a patch's side.</summary>
    public required int PatchSide { get; init; }

    /// <summary>Epsilon of the layer norms.</summary>
    public required double LayerNormEps { get; init; }

    /// <summary>quick_gelu or gelu.</summary>
    public required string Activation { get; init; }

    /// <summary>Encoder layers to run: the feature layer −2 of 24 layers is the output of 23.</summary>
    public required int LayersUsed { get; init; }

    /// <summary>Patches of a tile.</summary>
    public int Patches => ImageSide / PatchSide * (ImageSide / PatchSide);
}
