using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using StackExchange.Redis;

namespace LlavaCluster.Grains.Storage;

/// <summary>Images as Redis strings by their hash, and a set of the sessions that hold each.</summary>
/// <param name="redis">The connection.</param>
public sealed class RedisImageStore(RedisConnection redis) : IImageStore
{
    private const string Release = """
        redis.call('SREM', KEYS[2], ARGV[1])
        if redis.call('SCARD', KEYS[2]) > 0 then return 0 end
        if ARGV[2] == '0' then return 0 end
        return redis.call('DEL', KEYS[1])
        """;

    /// <inheritdoc/>
    public Task PutAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken) =>
        redis.AskAsync(database => database.StringSetAsync(KeyOf(image), file, when: When.NotExists), cancellationToken);

    /// <inheritdoc/>
    public async Task<ReadOnlyMemory<byte>?> TryGetAsync(ImageHash image, CancellationToken cancellationToken)
    {
        var file = await redis.AskAsync(database => database.StringGetAsync(KeyOf(image)), cancellationToken).ConfigureAwait(false);
        return file.IsNull ? (ReadOnlyMemory<byte>?)null : (ReadOnlyMemory<byte>)file;
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ImageHash image, CancellationToken cancellationToken) =>
        redis.AskAsync(database => database.KeyDeleteAsync([KeyOf(image), HoldersOf(image)]), cancellationToken);

    /// <inheritdoc/>
    public Task HoldAsync(ImageHash image, string session, CancellationToken cancellationToken) =>
        redis.AskAsync(database => database.SetAddAsync(HoldersOf(image), session), cancellationToken);

    /// <inheritdoc/>
    public Task ReleaseAsync(ImageHash image, string session, bool deleteUnheld, CancellationToken cancellationToken) =>
        redis.AskAsync(
            database => database.ScriptEvaluateAsync(
                Release, [KeyOf(image), HoldersOf(image)], [session, deleteUnheld ? 1 : 0]),
            cancellationToken);

    private RedisKey KeyOf(ImageHash image) => redis.Key("image", image.Hex);

    private RedisKey HoldersOf(ImageHash image) => redis.Key("holders", image.Hex);
}
