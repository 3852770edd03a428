using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Model.Weights;

/// <summary>
/// The dimensions of a synthetic checkpoint: those of a published one, any of which can be replaced:
/// <c>SyntheticPreset.Named("vicuna-7b") with { Layers = 2 }</c>.
/// </summary>
public sealed record SyntheticPreset
{
    /// <summary>llama or mistral.</summary>
    public string ModelType { get; init; } = "llama";

    /// <summary>Width of the residual stream.</summary>
    public int Hidden { get; init; } = 4096;

    /// <summary>Width of the gated MLP.</summary>
    public int Intermediate { get; init; } = 11008;

    /// <summary>Decoder layers.</summary>
    public int Layers { get; init; } = 32;

    /// <summary>Query heads.</summary>
    public int Heads { get; init; } = 32;

    /// <summary>Key and value heads; null: as many as query heads.</summary>
    public int? KvHeads { get; init; }

    /// <summary>Width of a head; null: hidden divided by query heads.</summary>
    public int? HeadDim { get; init; }

    /// <summary>Rows of the embedding.</summary>
    public int VocabularySize { get; init; } = 32064;

    /// <summary>Longest sequence, tokens.</summary>
    public int MaxPositions { get; init; } = 4096;

    /// <summary>Base of the rotary embedding.</summary>
    public double RopeTheta { get; init; } = 10000;

    /// <summary>Id that ends an answer.</summary>
    public int EosId { get; init; } = 2;

    /// <summary>Id of padding.</summary>
    public int PadId { get; init; }

    /// <summary>Placeholder id of image tokens, where the tokenizer names none.</summary>
    public int ImageTokenId { get; init; } = 32000;

    /// <summary>Width of the vision tower.</summary>
    public int VisionHidden { get; init; } = 1024;

    /// <summary>Width of the vision tower's MLP.</summary>
    public int VisionIntermediate { get; init; } = 4096;

    /// <summary>Layers of the vision tower.</summary>
    public int VisionLayers { get; init; } = 24;

    /// <summary>Heads of the vision tower.</summary>
    public int VisionHeads { get; init; } = 16;

    /// <summary>Pixels of a tile's side.</summary>
    public int ImageSide { get; init; } = 336;

    /// <summary>Pixels of a patch's side.</summary>
    public int PatchSide { get; init; } = 14;

    /// <summary>Hidden state of the tower that the projector gets, counted from the last: −1 is the output of the last layer.</summary>
    public int FeatureLayer { get; init; } = -2;

    /// <summary>Width of CLIP's common space, which no part of a LLaVA model uses.</summary>
    public int ProjectionDim { get; init; } = 768;

    /// <summary>The presets by name.</summary>
    public static IReadOnlyDictionary<string, SyntheticPreset> All { get; } = new Dictionary<string, SyntheticPreset>
    {
        ["vicuna-7b"] = new(),
        ["vicuna-13b"] = new() { Hidden = 5120, Intermediate = 13824, Layers = 40, Heads = 40 },
        ["mistral-7b"] = new()
        {
            ModelType = "mistral",
            Intermediate = 14336,
            KvHeads = 8,
            MaxPositions = 32768,
            RopeTheta = 1e6,
            PadId = 32001,
        },
        ["yi-34b"] = new()
        {
            Hidden = 7168,
            Intermediate = 20480,
            Layers = 60,
            Heads = 56,
            KvHeads = 8,
            VocabularySize = 64064,
            RopeTheta = 5e6,
            EosId = 7,
            ImageTokenId = 64000,
        },
        ["bench"] = new() { Hidden = 1024, Intermediate = 2816, Layers = 16, Heads = 16 },
    };

    /// <summary>The preset of a name.</summary>
    /// <exception cref="BadCheckpointException">There is none; the message lists those that there are.</exception>
    public static SyntheticPreset Named(string name) => All.TryGetValue(name, out var preset)
        ? preset
        : throw new BadCheckpointException($"There is no preset '{name}'. Presets are {string.Join(", ", All.Keys)}.");
}
