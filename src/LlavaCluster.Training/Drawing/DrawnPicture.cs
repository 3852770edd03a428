using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Training.Drawing;

/// <summary>A picture and the truth about it.</summary>
/// <param name="Pixels">What a viewer sees.</param>
/// <param name="Scene">What is on it, in the pixels' coordinates after every change (rescaling, shift).</param>
internal sealed record DrawnPicture(PixelBuffer Pixels, Scene Scene);
