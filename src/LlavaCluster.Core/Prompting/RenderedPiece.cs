namespace LlavaCluster.Core.Prompting;

/// <summary>A stretch of a rendered conversation.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsWords">Somebody's words, in which nothing is a special token; else written by the template.</param>
public readonly record struct RenderedPiece(string Text, bool IsWords);
