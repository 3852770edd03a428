namespace LlavaCluster.Core.Checkpoint;

/// <summary>One tensor of a safetensors file, as its header tells.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Type">Element type as written, one of <see cref="ElementSizes"/>: "F16".</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
/// <param name="Offset">First byte, from the start of the file.</param>
/// <param name="Length">Bytes.</param>
public sealed record SafetensorsTensor(string Name, string Type, IReadOnlyList<long> Shape, long Offset, long Length)
{
    /// <summary>Every element type of the format with its bytes.</summary>
    public static IReadOnlyDictionary<string, int> ElementSizes { get; } = new Dictionary<string, int>
    {
        ["BOOL"] = 1,
        ["U8"] = 1,
        ["I8"] = 1,
        ["F8_E5M2"] = 1,
        ["F8_E4M3"] = 1,
        ["I16"] = 2,
        ["U16"] = 2,
        ["F16"] = 2,
        ["BF16"] = 2,
        ["I32"] = 4,
        ["U32"] = 4,
        ["F32"] = 4,
        ["I64"] = 8,
        ["U64"] = 8,
        ["F64"] = 8,
    };

    /// <summary>Bytes of one element.</summary>
    public int ElementSize => ElementSizes[Type];

    /// <summary>The shape as people write it: [2048, 64].</summary>
    public static string Show(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
