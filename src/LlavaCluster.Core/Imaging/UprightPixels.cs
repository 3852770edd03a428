using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LlavaCluster.Core.Imaging;

/// <summary>From a decoder's four-byte pixels to an upright RGB picture: alpha is dropped as it is, the EXIF orientation applied.</summary>
public static class UprightPixels
{
    /// <summary>Pixels of a block's side: source and target lines of a block stay in the cache when rows become columns.</summary>
    private const int Block = 64;

    /// <summary>Turns and packs.</summary>
    /// <param name="rgba">[height, width, 4], straight (not premultiplied) colours, as stored in the file.</param>
    /// <param name="width">Pixels of a stored row.</param>
    /// <param name="height">Stored rows.</param>
    /// <param name="orientation">EXIF orientation, 1–8.</param>
    /// <exception cref="ArgumentException">The length is not width × height × 4, or no such orientation.</exception>
    public static PixelBuffer Of(ReadOnlySpan<byte> rgba, int width, int height, int orientation)
    {
        if (rgba.Length != (long)width * height * 4 || orientation is < 1 or > 8)
        {
            throw new ArgumentException(
                $"{width}×{height} pixels of orientation {orientation} do not fit {rgba.Length} bytes.", nameof(rgba));
        }

        var rgb = GC.AllocateUninitializedArray<byte>(checked(width * height * 3));
        var pixels = MemoryMarshal.Cast<byte, uint>(rgba);
        if (orientation == 1)
        {
            Pack(pixels, rgb);
            return new PixelBuffer(width, height, rgb);
        }

        // The stored pixel of the upright (x, y) is at origin + x·right + y·down.
        int lastColumn = width - 1, lastRow = (height - 1) * width;
        var (origin, right, down) = orientation switch
        {
            2 => (lastColumn, -1, width),
            3 => (lastRow + lastColumn, -1, -width),
            4 => (lastRow, 1, -width),
            5 => (0, width, 1),
            6 => (lastRow, -width, 1),
            7 => (lastRow + lastColumn, -width, -1),
            _ => (lastColumn, width, -1),
        };
        var (uprightWidth, uprightHeight) = orientation >= 5 ? (height, width) : (width, height);
        for (var top = 0; top < uprightHeight; top += Block)
        {
            for (var left = 0; left < uprightWidth; left += Block)
            {
                var end = Math.Min(left + Block, uprightWidth);
                for (var y = top; y < Math.Min(top + Block, uprightHeight); y++)
                {
                    CopyRun(pixels, origin + (y * down) + (left * right), right, rgb.AsSpan(((y * uprightWidth) + left) * 3, (end - left) * 3));
                }
            }
        }

        return new PixelBuffer(uprightWidth, uprightHeight, rgb);
    }

    private static void CopyRun(ReadOnlySpan<uint> pixels, int at, int step, Span<byte> rgb)
    {
        for (var i = 0; i + 2 < rgb.Length; i += 3, at += step)
        {
            var pixel = pixels[at];
            rgb[i] = (byte)pixel;
            rgb[i + 1] = (byte)(pixel >> 8);
            rgb[i + 2] = (byte)(pixel >> 16);
        }
    }

    private static void Pack(ReadOnlySpan<uint> pixels, Span<byte> rgb)
    {
        var order = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255);
        ref var from = ref MemoryMarshal.GetReference(pixels);
        ref var to = ref MemoryMarshal.GetReference(rgb);
        var i = 0;
        // Sixteen bytes are written for twelve; the next four pixels overwrite the rest, the last pixels go one by one.
        for (; (i * 3) + 16 <= rgb.Length; i += 4)
        {
            var four = Vector128.LoadUnsafe(ref Unsafe.Add(ref from, i)).AsByte();
            Vector128.Shuffle(four, order).StoreUnsafe(ref Unsafe.Add(ref to, i * 3));
        }

        CopyRun(pixels, i, 1, rgb[(i * 3)..]);
    }
}
