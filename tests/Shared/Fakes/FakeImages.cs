using System.Buffers.Binary;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Tests.Fakes;

/// <summary>Small BMP files: real headers, and pixels that nobody looks at.</summary>
internal static class FakeImages
{
    /// <summary>A file of this size; the salt makes another image of the same size.</summary>
    public static byte[] Bmp(int width, int height, int salt = 0)
    {
        var row = ((width * 3) + 3) / 4 * 4;
        var file = new byte[54 + (row * height)];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), 54);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), 24);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(34), row * height);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(54), salt);
        return file;
    }

    /// <summary>A good header, and half of the file that it promises.</summary>
    public static byte[] Truncated(int width, int height) => Bmp(width, height)[..(54 + (width * height))];
}

/// <summary>Reads the real header, wants the whole file, gives black pixels.</summary>
internal sealed class FakeImageDecoder : IImageDecoder
{
    private int _decoded;

    /// <summary>Files decoded.</summary>
    public int Decoded => _decoded;

    public PixelBuffer Decode(ReadOnlySpan<byte> file, ImageLimits limits)
    {
        Interlocked.Increment(ref _decoded);
        var info = ImageHeader.Read(file, limits);
        if (file.Length < BinaryPrimitives.ReadInt32LittleEndian(file[2..]))
        {
            throw new BadImageException("The image is cut off; send the whole file.");
        }

        return new PixelBuffer(info.Width, info.Height, new byte[info.Width * info.Height * 3]);
    }
}

/// <summary>Gives features of the right shape that follow from the image's hash; may be held up or made to fail.</summary>
internal sealed class FakeVisionEncoder(int patches, int channels) : IVisionEncoder
{
    private int _encoded;

    /// <summary>Images encoded.</summary>
    public int Encoded => _encoded;

    /// <summary>Called with every batch on the encoder's thread.</summary>
    public Action<IReadOnlyList<ImageHash>>? BeforeBatch { get; set; }

    public bool IsDisposed { get; private set; }

    public IReadOnlyList<ImageFeatures> Encode(IReadOnlyList<(ImageHash Image, ImageTiles Tiles)> images)
    {
        BeforeBatch?.Invoke([.. images.Select(image => image.Image)]);
        Interlocked.Add(ref _encoded, images.Count);
        return [.. images.Select(image => FeaturesOf(image.Image, image.Tiles))];
    }

    public void Dispose() => IsDisposed = true;

    private ImageFeatures FeaturesOf(ImageHash image, ImageTiles tiles)
    {
        var data = new byte[tiles.Count * patches * channels * sizeof(float)];
        for (var i = 0; i < data.Length; i++)
        {
            data[i] = (byte)(image.Hex[i % 64] + i);
        }

        return new ImageFeatures(
            image, tiles.Geometry.Width, tiles.Geometry.Height, tiles.Count, patches, channels, FeatureType.Float32, data);
    }
}
