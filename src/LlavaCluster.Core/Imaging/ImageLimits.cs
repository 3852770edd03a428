using System.ComponentModel.DataAnnotations;

namespace LlavaCluster.Core.Imaging;

/// <summary>What an image may measure. Checked on the header, before any pixel is decoded.</summary>
public sealed class ImageLimits
{
    /// <summary>Largest file, bytes.</summary>
    [Range(1, 1 << 30)]
    public int MaxBytes { get; set; } = 20 << 20;

    /// <summary>Most pixels (width × height).</summary>
    [Range(1L, 1L << 30)]
    public long MaxPixels { get; set; } = 64L << 20;

    /// <summary>Longest side, pixels.</summary>
    [Range(1, 65_535)]
    public int MaxSide { get; set; } = 16_384;
}
