namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>What a tokenizer.json consists of.</summary>
internal sealed record TokenizerParts
{
    /// <summary>Text of every id; null where an id has none.</summary>
    public required string?[] Tokens { get; init; }

    /// <summary>Tokens that are cut out.</summary>
    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    /// <summary>Steps of the normaliser.</summary>
    public required IReadOnlyList<TextStep> Normalizer { get; init; }

    /// <summary>The pre-tokenizer, or null.</summary>
    public required Metaspace? PreTokenizer { get; init; }

    /// <summary>The model.</summary>
    public required BpeModel Model { get; init; }

    /// <summary>Pieces that are taken whole without a look at the merges (<c>ignore_merges</c>), or null.</summary>
    public required Dictionary<string, int>? WholePieces { get; init; }

    /// <summary>Ids that the post-processor puts before a text.</summary>
    public required IReadOnlyList<int> Before { get; init; }

    /// <summary>Ids that the post-processor puts after a text.</summary>
    public required IReadOnlyList<int> After { get; init; }

    /// <summary>The decoder.</summary>
    public required DecodePlan Decoder { get; init; }
}
