namespace LlavaCluster.Training.Drawing;

/// <summary>How one picture's drawer draws.</summary>
/// <param name="Smooth">Edges are anti-aliased.</param>
/// <param name="PureColours">Red is 255, 0, 0.</param>
/// <param name="OutlineShare">Share of objects that are outlines.</param>
/// <param name="Shake">How far edges stray, share of an object's size.</param>
/// <param name="Tilt">Largest turn of an object, radians.</param>
/// <param name="BorderShare">Share of filled objects with a thin black line around them.</param>
internal sealed record DrawingStyle(
    bool Smooth, bool PureColours, double OutlineShare, double Shake, double Tilt, double BorderShare)
{
    /// <summary>A style of chance: exact programs, paint programs, hands.</summary>
    public static DrawingStyle OfChance(Chance chance) => new(
        Smooth: chance.Flip(0.75),
        PureColours: chance.Flip(0.3),
        OutlineShare: chance.Pick([0, 0.3, 0.3, 0.8]),
        Shake: chance.Flip(0.25) ? chance.Between(0.005, 0.035) : 0,
        Tilt: chance.Flip(0.3) ? chance.Between(0, 0.14) : 0,
        BorderShare: chance.Flip(0.1) ? 0.7 : 0);
}
