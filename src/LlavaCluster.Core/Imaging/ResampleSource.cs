using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LlavaCluster.Core.Imaging;

/// <summary>
/// What a resize reads: a picture, alone or lying on a larger sheet of one colour. The sheet is never built, so that a strip of
/// one pixel's height does not cost its square.
/// </summary>
internal sealed class ResampleSource
{
    /// <summary>Bytes that <see cref="CopyRow"/> writes behind the row's last pixel, and vectors may read.</summary>
    public const int Slack = 64;

    private readonly PixelBuffer _picture;
    private readonly int _left, _top;
    private readonly uint _sheet;

    /// <summary>The picture itself.</summary>
    public ResampleSource(PixelBuffer picture)
        : this(picture, picture.Width, picture.Height, 0, 0, default)
    {
    }

    /// <summary>The picture on a sheet, its top left pixel at (<paramref name="left"/>, <paramref name="top"/>).</summary>
    public ResampleSource(PixelBuffer picture, int width, int height, int left, int top, (byte R, byte G, byte B) sheet)
    {
        (_picture, Width, Height, _left, _top) = (picture, width, height, left, top);
        _sheet = sheet.R | ((uint)sheet.G << 8) | ((uint)sheet.B << 16);
    }

    /// <summary>Pixels of a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>The picture, where there is no sheet around it.</summary>
    public PixelBuffer? Bare => Width == _picture.Width && Height == _picture.Height ? _picture : null;

    /// <summary>Writes one row as four bytes per pixel (R, G, B, 0), zeros behind it.</summary>
    /// <param name="y">Row.</param>
    /// <param name="row">At least <see cref="Width"/> pixels and <see cref="Slack"/> bytes.</param>
    public void CopyRow(int y, Span<byte> row)
    {
        var pixels = MemoryMarshal.Cast<byte, uint>(row);
        var inside = y - _top;
        if (inside < 0 || inside >= _picture.Height)
        {
            pixels[..Width].Fill(_sheet);
        }
        else
        {
            pixels[.._left].Fill(_sheet);
            var stride = _picture.Width * 3;
            Spread(_picture.Rgb.AsSpan(inside * stride, stride), pixels.Slice(_left, _picture.Width));
            pixels[(_left + _picture.Width)..Width].Fill(_sheet);
        }

        row.Slice(Width * 4, Slack).Clear();
    }

    /// <summary>R G B R G B … to R G B 0 R G B 0 ….</summary>
    private static void Spread(ReadOnlySpan<byte> rgb, Span<uint> pixels)
    {
        var order = Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);
        ref var from = ref MemoryMarshal.GetReference(rgb);
        ref var to = ref MemoryMarshal.GetReference(pixels);
        var i = 0;
        // Sixteen bytes are read for twelve: the last pixels go one by one.
        for (; (i * 3) + 16 <= rgb.Length; i += 4)
        {
            var four = Vector128.LoadUnsafe(ref Unsafe.Add(ref from, i * 3));
            Vector128.Shuffle(four, order).AsUInt32().StoreUnsafe(ref Unsafe.Add(ref to, i));
        }

        for (; i < pixels.Length; i++)
        {
            pixels[i] = rgb[i * 3] | ((uint)rgb[(i * 3) + 1] << 8) | ((uint)rgb[(i * 3) + 2] << 16);
        }
    }
}
