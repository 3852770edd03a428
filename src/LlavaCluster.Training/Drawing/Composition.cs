using SkiaSharp;

namespace LlavaCluster.Training.Drawing;

/// <summary>A scene and how it looks: all that the painter needs.</summary>
/// <param name="Scene">What is where.</param>
/// <param name="Backdrop">Behind it.</param>
/// <param name="Colours">The shade of each object.</param>
/// <param name="Borders">The colour of a thin line around each filled object, or null.</param>
/// <param name="Word">How the text is set; null without a text.</param>
/// <param name="Smooth">Edges are anti-aliased; a paint program's pencil does not.</param>
internal sealed record Composition(
    Scene Scene, Backdrop Backdrop, IReadOnlyList<SKColor> Colours, IReadOnlyList<SKColor?> Borders, SetWord? Word, bool Smooth);

/// <summary>A word set in a font.</summary>
/// <param name="Face">The font.</param>
/// <param name="Size">Its size, pixels.</param>
/// <param name="Origins">Each character's origin on the baseline, pixels of the picture before the turn.</param>
/// <param name="Turn">Clockwise turn around <paramref name="Middle"/>, degrees.</param>
/// <param name="Middle">Middle of the word.</param>
/// <param name="Colour">Its colour.</param>
internal sealed record SetWord(FontFace Face, float Size, SKPoint[] Origins, float Turn, SKPoint Middle, SKColor Colour);
