namespace LlavaCluster.Core.Imaging;

/// <summary>
/// The 256 numbers that a byte of a channel may become: rescaled in double, cast to float, normalised in float, as CLIP's processor does.
/// Immutable: any thread.
/// </summary>
public sealed class PixelLevels
{
    private readonly float[][] _channels;

    /// <summary>Those of one checkpoint.</summary>
    public PixelLevels(ImageProcessing processing) => _channels = [.. Enumerable.Range(0, 3).Select(channel => Of(processing, channel))];

    /// <summary>Normalises planes.</summary>
    /// <param name="bytes">[…, 3, plane]: red, green and blue planes in turn.</param>
    /// <param name="plane">Pixels of a plane.</param>
    /// <param name="target">As many numbers.</param>
    public void Normalise(ReadOnlySpan<byte> bytes, int plane, Span<float> target)
    {
        for (var start = 0; start < bytes.Length; start += plane)
        {
            var levels = _channels[start / plane % 3];
            var from = bytes.Slice(start, plane);
            var to = target.Slice(start, plane);
            for (var i = 0; i < from.Length; i++)
            {
                to[i] = levels[from[i]];
            }
        }
    }

    private static float[] Of(ImageProcessing processing, int channel) =>
        [.. Enumerable.Range(0, 256).Select(level =>
            ((float)(level * processing.RescaleFactor) - processing.Mean[channel]) / processing.Std[channel])];
}
