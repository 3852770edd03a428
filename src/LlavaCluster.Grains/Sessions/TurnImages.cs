using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>An image of a turn, as its header tells: size and tokens.</summary>
internal readonly record struct TurnImage(ImageHash Hash, int Width, int Height, int Tokens)
{
    /// <summary>The run of this image's tokens.</summary>
    public ImageSpan At(int offset) => new(offset, Tokens, Hash, Width, Height);
}

/// <summary>Looks the images of a turn up.</summary>
internal sealed class TurnImages(IImageStore store, ImageLimits limits, LlavaConfig config)
{
    private readonly Dictionary<ImageHash, long> _bytes = [];

    /// <summary>Bytes of the files of these images, as far as this session has seen them.</summary>
    public long BytesOf(IReadOnlyList<ImageSpan> images) =>
        images.Select(span => span.Image).Distinct().Sum(image => _bytes.GetValueOrDefault(image));

    /// <summary>The images of these parts, in order. The session holds them from now on.</summary>
    /// <exception cref="TurnRefusedException">InvalidArgument: no hash, or no image. NotFound: not in the store.</exception>
    public async Task<IReadOnlyList<TurnImage>> FindAsync(string session, IReadOnlyList<TurnPart> parts, CancellationToken cancellationToken)
    {
        var images = new List<TurnImage>();
        foreach (var part in parts.Where(part => part.Image is not null))
        {
            images.Add(await FindAsync(session, part.Image!, cancellationToken));
        }

        return images;
    }

    private async Task<TurnImage> FindAsync(string session, string sha256, CancellationToken cancellationToken)
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

        // Held first: bytes that are there now can then not go with another session.
        await store.HoldAsync(hash, session, cancellationToken);
        if (await store.TryGetAsync(hash, cancellationToken) is not { } file)
        {
            throw new TurnRefusedException(RefusalCode.NotFound, $"There is no image {hash}; send its bytes, or put it first.");
        }

        _bytes[hash] = file.Length;
        try
        {
            var info = ImageHeader.Read(file.Span, limits);
            return new TurnImage(hash, info.Width, info.Height, AnyResGrid.Layout(config.Images, info.Width, info.Height).Tokens);
        }
        catch (BadImageException error)
        {
            throw new TurnRefusedException(RefusalCode.InvalidArgument, error.Message);
        }
    }
}
