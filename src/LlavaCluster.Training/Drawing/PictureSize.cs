namespace LlavaCluster.Training.Drawing;

/// <summary>
/// Sizes of pictures: any, but most of them small, since what a picture costs grows with its pixels and the model sees few of
/// them.
/// </summary>
internal static class PictureSize
{
    /// <summary>Most pixels of the longer side of most pictures.</summary>
    private const double UsualSide = 640;

    private static readonly double[] Aspects = [1, 1, 4 / 3.0, 3 / 2.0, 16 / 9.0];

    /// <summary>A size of chance within the mix's limits.</summary>
    public static (int Width, int Height) OfChance(SceneMix mix, Chance chance)
    {
        var aspect = chance.Flip(0.5) ? chance.Pick(Aspects) : chance.LogBetween(1, mix.MaxAspect);
        aspect = Math.Min(aspect, Math.Min(mix.MaxAspect, (double)mix.MaxSide / mix.MinSide));
        var least = mix.MinSide * aspect;
        var most = (double)mix.MaxSide;
        var usual = Math.Max(least, Math.Min(most, UsualSide));
        var longer = chance.LogBetween(least, chance.Flip(0.75) ? usual : most);
        int Side(double side) => (int)Math.Clamp(Math.Round(side), mix.MinSide, mix.MaxSide);
        return chance.Flip() ? (Side(longer), Side(longer / aspect)) : (Side(longer / aspect), Side(longer));
    }
}
