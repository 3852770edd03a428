namespace LlavaCluster.Training.Checkpoint;

/// <summary>What a tokenizer knows: its tokens by id and its merges by rank. Made by <see cref="BpeTrainer"/>. Immutable.</summary>
/// <param name="Pieces">
/// Texts of ids 0 …: <c>&lt;unk&gt;</c>, <c>&lt;s&gt;</c>, <c>&lt;/s&gt;</c>, the 256 bytes, characters, then what merges make. A space
/// is written as <see cref="Mark"/>.
/// </param>
/// <param name="Merges">Pairs of pieces that become one, the first rank first.</param>
internal sealed record BpeVocabulary(IReadOnlyList<string> Pieces, IReadOnlyList<(string Left, string Right)> Merges)
{
    /// <summary>What stands for a space in a piece.</summary>
    public const char Mark = '▁';

    /// <summary>Text of the image placeholder, which comes after the pieces.</summary>
    public const string Image = "<image>";

    /// <summary>Text of padding, which comes last.</summary>
    public const string Pad = "<pad>";

    /// <summary>Texts of the first three ids.</summary>
    public static IReadOnlyList<string> First { get; } = ["<unk>", "<s>", "</s>"];

    /// <summary>Id of <see cref="Image"/>.</summary>
    public int ImageId => Pieces.Count;

    /// <summary>Id of <see cref="Pad"/>.</summary>
    public int PadId => Pieces.Count + 1;

    /// <summary>Ids in all.</summary>
    public int Count => Pieces.Count + 2;

    /// <summary>The special tokens by id.</summary>
    public IEnumerable<(int Id, string Text)> Special => [.. First.Select((text, id) => (id, text)), (ImageId, Image), (PadId, Pad)];
}
