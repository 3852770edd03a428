namespace LlavaCluster.Training.Drawing;

/// <summary>
/// The fonts of this machine that words are set in. The same seed draws the same picture on machines with the same fonts;
/// another set of fonts gives other words' looks, and the model is as good. Many threads may read it.
/// </summary>
internal sealed class FontShelf
{
    /// <summary>Fewest families that a model learns to read from.</summary>
    public const int FamiliesForTraining = 6;

    /// <summary>Debian packages of fonts that the shelf takes.</summary>
    public const string Packages =
        "fonts-dejavu-core fonts-liberation fonts-freefont-ttf fonts-lato fonts-open-sans fonts-roboto-unhinted fonts-cantarell "
        + "fonts-inconsolata fonts-urw-base35 fonts-crosextra-carlito fonts-crosextra-caladea fonts-hack";

    /// <summary>Families whose letters are pictures or formulas.</summary>
    private static readonly string[] Ornate = ["Initials", "Math", "Symbol", "Dingbats", "Icons", "Script"];

    private FontShelf(IReadOnlyList<IReadOnlyList<FontFace>> families) => Families = families;

    /// <summary>The cuts of each family, families and cuts in a fixed order.</summary>
    public IReadOnlyList<IReadOnlyList<FontFace>> Families { get; }

    /// <summary>The TrueType and OpenType fonts under Debian's and the user's font folders that show plain A–Z and 0–9.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static FontShelf Find() =>
        Find(
            "/usr/share/fonts",
            "/usr/local/share/fonts",
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".fonts"));

    /// <summary>The fonts under given folders; folders that do not exist are empty.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static FontShelf Find(params string[] folders)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        var faces = folders
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", options))
            .Where(file => Path.GetExtension(file).ToLowerInvariant() is ".ttf" or ".otf")
            .Order(StringComparer.Ordinal)
            .AsParallel().AsOrdered()
            .Select(FontFace.TryOpen)
            .OfType<FontFace>()
            .Where(face => !Ornate.Any(face.Family.Contains))
            .ToArray();
        if (faces.Length == 0)
        {
            throw new InvalidOperationException(
                $"No font that shows A–Z and 0–9 under {string.Join(", ", folders)}. Install some: apt-get install {Packages}");
        }

        return new FontShelf([.. faces
            .GroupBy(face => face.Family, StringComparer.Ordinal)
            .OrderBy(family => family.Key, StringComparer.Ordinal)
            .Select(family => family
                .DistinctBy(face => (face.Typeface.FontWeight, face.Typeface.FontWidth, face.Italic))
                .ToArray())]);
    }

    /// <summary>This shelf, if a model can learn to read from it.</summary>
    /// <exception cref="InvalidOperationException">It has fewer than <see cref="FamiliesForTraining"/> families.</exception>
    public FontShelf ForTraining() => Families.Count >= FamiliesForTraining
        ? this
        : throw new InvalidOperationException(
            $"{Families.Count} font families here ({string.Join(", ", Families.Select(f => f[0].Family))}); a model that shall "
            + $"read other fonts needs at least {FamiliesForTraining}. Install more: apt-get install {Packages}");

    /// <summary>A cut of a family of chance; slanted ones are rare.</summary>
    public FontFace Pick(Chance chance)
    {
        var family = chance.Pick(Families);
        var upright = family.Where(face => !face.Italic).ToArray();
        return upright.Length > 0 && !chance.Flip(0.05) ? chance.Pick(upright) : chance.Pick(family);
    }
}
