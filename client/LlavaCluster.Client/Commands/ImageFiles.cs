using LlavaCluster.Protos;

namespace LlavaCluster.Client.Commands;

/// <summary>Pictures on this machine's disk.</summary>
internal static class ImageFiles
{
    /// <summary>Uploads a picture by its path.</summary>
    /// <exception cref="UserErrorException">No such file.</exception>
    public static async Task<ImageInfo> PutAsync(LlavaClient client, string path, CancellationToken cancellationToken)
    {
        if (Directory.Exists(path))
        {
            throw new UserErrorException($"'{path}' is a folder; an image file is needed.");
        }

        if (!File.Exists(path))
        {
            throw new UserErrorException($"There is no image file '{path}'.");
        }

        await using var file = File.OpenRead(path);
        return await client.PutImageAsync(file, cancellationToken);
    }
}
