namespace LlavaCluster.Core.Imaging;

/// <summary>
/// A GIF whose first frame has no transparent colour. Decoders write transparent pixels as black; Pillow, whose pixels the
/// reference has, keeps the colour that the table lists for them.
/// </summary>
public static class OpaqueGif
{
    /// <summary>A copy of the file with the first frame's transparency bit cleared.</summary>
    /// <param name="file">A GIF.</param>
    /// <param name="uncovered">RGB of the screen where the frame does not cover it: the transparent colour, else the first.</param>
    /// <exception cref="BadImageException">The file ends before its first frame.</exception>
    public static byte[] Of(ReadOnlySpan<byte> file, out (byte R, byte G, byte B) uncovered)
    {
        var frame = GifHeader.FirstFrame(file);
        var bytes = new HeaderBytes(file, "gif");
        var copy = file.ToArray();
        var index = 0;
        if (frame.Control >= 0 && (bytes.Byte(frame.Control) & 1) != 0)
        {
            index = bytes.Byte(frame.Control + 3);
            copy[(int)frame.Control] &= 0xFE;
        }

        var at = frame.Colours + (3L * index);
        uncovered = frame.Colours >= 0 && bytes.Has(at, 3)
            ? (bytes.Byte(at), bytes.Byte(at + 1), bytes.Byte(at + 2))
            : default;
        return copy;
    }
}
