namespace LlavaCluster.Core.Imaging;

/// <summary>What the header of an image file says.</summary>
/// <param name="Format">png, jpeg, webp, gif or bmp.</param>
/// <param name="Width">Pixels of a row of the upright picture, that is with EXIF orientation applied.</param>
/// <param name="Height">Rows of the upright picture.</param>
/// <param name="Orientation">EXIF orientation, 1–8; 1 where the file has none.</param>
public sealed record ImageInfo(string Format, int Width, int Height, int Orientation);
