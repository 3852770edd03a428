namespace LlavaCluster.Core.Imaging;

/// <summary>What a header says of the pixels as they are stored, before the orientation is applied.</summary>
/// <param name="Format">png, jpeg, webp, gif or bmp.</param>
/// <param name="Width">Pixels of a stored row.</param>
/// <param name="Height">Stored rows.</param>
/// <param name="Orientation">EXIF orientation, 1–8.</param>
internal readonly record struct StoredImage(string Format, int Width, int Height, int Orientation);
