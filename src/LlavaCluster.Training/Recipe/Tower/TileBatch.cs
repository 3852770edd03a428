namespace LlavaCluster.Training.Recipe.Tower;

/// <summary>What a step of the tower learns from.</summary>
/// <param name="Pixels">[tiles, 3, side, side], float32, normalised.</param>
/// <param name="Labels">What is in each tile's cells.</param>
internal sealed record TileBatch(float[] Pixels, CellLabels Labels);
