using System.CommandLine;
using LlavaCluster.Model.Weights;

namespace LlavaCluster.Silo.Commands;

/// <summary>Flags that replace single dimensions of a preset.</summary>
internal sealed class DimensionFlags
{
    private readonly List<(Option<int?> Option, Func<SyntheticPreset, int, SyntheticPreset> Set)> _flags = [];
    private readonly Option<double?> _ropeTheta = new("--rope-theta") { Description = "Base of the rotary embedding." };

    /// <summary>All of them.</summary>
    public DimensionFlags()
    {
        Add("--hidden", "Width of the residual stream.", (p, n) => p with { Hidden = n });
        Add("--intermediate", "Width of the gated MLP.", (p, n) => p with { Intermediate = n });
        Add("--layers", "Decoder layers.", (p, n) => p with { Layers = n });
        Add("--heads", "Query heads.", (p, n) => p with { Heads = n });
        Add("--kv-heads", "Key and value heads.", (p, n) => p with { KvHeads = n });
        Add("--head-dim", "Width of a head.", (p, n) => p with { HeadDim = n });
        Add("--vocabulary", "Rows of the embedding.", (p, n) => p with { VocabularySize = n });
        Add("--max-positions", "Longest sequence, tokens.", (p, n) => p with { MaxPositions = n });
        Add("--vision-hidden", "Width of the vision tower.", (p, n) => p with { VisionHidden = n });
        Add("--vision-intermediate", "Width of the vision tower's MLP.", (p, n) => p with { VisionIntermediate = n });
        Add("--vision-layers", "Layers of the vision tower.", (p, n) => p with { VisionLayers = n });
        Add("--vision-heads", "Heads of the vision tower.", (p, n) => p with { VisionHeads = n });
        Add("--image-side", "Pixels of a tile's side.", (p, n) => p with { ImageSide = n });
        Add("--patch-side", "Pixels of a patch's side.", (p, n) => p with { PatchSide = n });
    }

    /// <summary>Puts the flags on a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var (option, _) in _flags)
        {
            command.Options.Add(option);
        }

        command.Options.Add(_ropeTheta);
    }

    /// <summary>The preset with the dimensions that were given.</summary>
    public SyntheticPreset Apply(ParseResult parsed, SyntheticPreset preset)
    {
        foreach (var (option, set) in _flags)
        {
            preset = parsed.GetValue(option) is { } number ? set(preset, number) : preset;
        }

        return parsed.GetValue(_ropeTheta) is { } theta ? preset with { RopeTheta = theta } : preset;
    }

    private void Add(string name, string description, Func<SyntheticPreset, int, SyntheticPreset> set) =>
        _flags.Add((new Option<int?>(name) { Description = description }, set));
}
