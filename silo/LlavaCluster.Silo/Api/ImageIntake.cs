using Google.Protobuf;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Silo.Hosting;
using ImageInfo = LlavaCluster.Protos.ImageInfo;

namespace LlavaCluster.Silo.Api;

/// <summary>Images on their way in: size and header are checked, then they are kept by their hash.</summary>
internal sealed class ImageIntake(IImageStore store, ImageLimits limits, ServedModel model)
{
    /// <summary>Checks and keeps one image file.</summary>
    /// <exception cref="BadImageException">Not an image, or past a limit.</exception>
    public async Task<ImageInfo> PutAsync(ReadOnlyMemory<byte> file, CancellationToken cancellationToken)
    {
        var info = Describe(file);
        await store.PutAsync(new ImageHash(info.Sha256), file, cancellationToken);
        return info;
    }

    /// <summary>Reads pieces until the end, never more than the limit; then checks and keeps the file.</summary>
    /// <exception cref="BadImageException">Not an image, or past a limit.</exception>
    public async Task<ImageInfo> PutAsync(IAsyncEnumerable<ByteString> pieces, CancellationToken cancellationToken)
    {
        using var file = new MemoryStream();
        await foreach (var piece in pieces.WithCancellation(cancellationToken))
        {
            limits.CheckBytes(file.Length + piece.Length);
            file.Write(piece.Span);
        }

        return await PutAsync(file.GetBuffer().AsMemory(0, (int)file.Length), cancellationToken);
    }

    /// <summary>What is known of a kept image.</summary>
    /// <exception cref="TurnRefusedException">InvalidArgument: no hash. NotFound: not kept.</exception>
    public async Task<ImageInfo> FindAsync(string sha256, CancellationToken cancellationToken)
    {
        ImageHash hash;
        try
        {
            hash = new ImageHash(sha256);
        }
        catch (FormatException error)
        {
            throw new TurnRefusedException(RefusalCode.InvalidArgument, error.Message);
        }

        return await store.TryGetAsync(hash, cancellationToken) is { } file
            ? Describe(file)
            : throw new TurnRefusedException(
                RefusalCode.NotFound, $"There is no image {hash}; send its bytes, or put it first.");
    }

    private ImageInfo Describe(ReadOnlyMemory<byte> file)
    {
        var header = ImageHeader.Read(file.Span, limits);
        return new ImageInfo
        {
            Sha256 = ImageHash.Of(file.Span).Hex,
            Format = header.Format,
            Width = header.Width,
            Height = header.Height,
            Bytes = file.Length,
            ImageTokens = AnyResGrid.Layout(model.Config.Images, header.Width, header.Height).Tokens,
        };
    }
}
