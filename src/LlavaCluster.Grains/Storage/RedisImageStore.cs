using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using StackExchange.Redis;

namespace LlavaCluster.Grains.Storage;

/// <summary>
/// Images as Redis strings by their hash, a set of the sessions that hold each, and one sorted set of all images by when they are to be
/// looked at next: when they were put, or, while they are held, when they were last looked at.
/// </summary>
/// <param name="redis">The connection.</param>
/// <param name="time">The clock that says when an image was put; null: the system's.</param>
public sealed class RedisImageStore(RedisConnection redis, TimeProvider? time = null) : IImageStore
{
    private const int PageLength = 256;

    // Of each script: KEYS image, holders, put.
    private const string Put = """
        redis.call('ZADD', KEYS[3], ARGV[1], ARGV[2])
        return redis.call('SET', KEYS[1], ARGV[3], 'NX')
        """;

    private const string Release = """
        redis.call('SREM', KEYS[2], ARGV[1])
        if redis.call('SCARD', KEYS[2]) > 0 then return 0 end
        if ARGV[2] == '0' then return 0 end
        redis.call('ZREM', KEYS[3], ARGV[3])
        return redis.call('DEL', KEYS[1])
        """;

    private const string Sweep = """
        local put = redis.call('ZSCORE', KEYS[3], ARGV[1])
        if not put or tonumber(put) >= tonumber(ARGV[2]) then return 0 end
        if redis.call('SCARD', KEYS[2]) > 0 then
            redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
            return 0
        end
        redis.call('ZREM', KEYS[3], ARGV[1])
        return redis.call('DEL', KEYS[1])
        """;

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly RedisKey _put = redis.Key("images", "put");

    /// <inheritdoc/>
    public Task PutAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken) =>
        RunAsync(Put, image, [Now(), image.Hex, file], cancellationToken);

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
    public async Task<bool> ReleaseAsync(ImageHash image, string session, bool deleteUnheld, CancellationToken cancellationToken) =>
        (long)await RunAsync(Release, image, [session, deleteUnheld ? 1 : 0, image.Hex], cancellationToken).ConfigureAwait(false) > 0;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ImageHash>> SweepAsync(DateTimeOffset putBefore, CancellationToken cancellationToken)
    {
        var before = putBefore.ToUnixTimeMilliseconds();
        var swept = new List<ImageHash>();
        while (true)
        {
            // Each leaves this range, whatever comes of it: by being deleted or by being looked at later.
            var page = await redis.AskAsync(
                database => database.SortedSetRangeByScoreAsync(_put, double.NegativeInfinity, before, Exclude.Stop, take: PageLength),
                cancellationToken).ConfigureAwait(false);
            foreach (var image in page.Select(member => new ImageHash(member.ToString())))
            {
                if ((long)await RunAsync(Sweep, image, [image.Hex, before, Now()], cancellationToken).ConfigureAwait(false) > 0)
                {
                    swept.Add(image);
                }
            }

            if (page.Length < PageLength)
            {
                return swept;
            }
        }
    }

    private Task<RedisResult> RunAsync(string script, ImageHash image, RedisValue[] arguments, CancellationToken cancellationToken) =>
        redis.AskAsync(
            database => database.ScriptEvaluateAsync(script, [KeyOf(image), HoldersOf(image), _put], arguments), cancellationToken);

    private RedisValue Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private RedisKey KeyOf(ImageHash image) => redis.Key("image", image.Hex);

    private RedisKey HoldersOf(ImageHash image) => redis.Key("holders", image.Hex);
}
