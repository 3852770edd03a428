namespace LlavaCluster.Grains.Contracts;

/// <summary>What turns ask of a cluster, added up.</summary>
/// <param name="Turns">Turns that run or wait.</param>
/// <param name="Tiles">Tiles of their own images, as long as these are not encoded.</param>
/// <param name="ImageBytes">Files of these images.</param>
/// <param name="Blocks">KV blocks of their conversations up to the longest answer.</param>
[GenerateSerializer, Immutable, Alias("llava.TurnWork")]
public readonly record struct TurnWorkMessage(
    [property: Id(0)] int Turns, [property: Id(1)] long Tiles, [property: Id(2)] long ImageBytes, [property: Id(3)] long Blocks)
{
    /// <summary>Both together.</summary>
    public static TurnWorkMessage operator +(TurnWorkMessage one, TurnWorkMessage other) =>
        new(one.Turns + other.Turns, one.Tiles + other.Tiles, one.ImageBytes + other.ImageBytes, one.Blocks + other.Blocks);

    /// <summary>What is left of one without the other.</summary>
    public static TurnWorkMessage operator -(TurnWorkMessage one, TurnWorkMessage other) =>
        new(one.Turns - other.Turns, one.Tiles - other.Tiles, one.ImageBytes - other.ImageBytes, one.Blocks - other.Blocks);
}
