namespace LlavaCluster.Core.Links;

/// <summary>How leader and followers watch each other, and how much may be on its way.</summary>
public sealed record ShardLinkOptions
{
    /// <summary>How long leader and followers wait for each other when they form.</summary>
    public TimeSpan JoinPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>An end that has nothing to say says so that often.</summary>
    public TimeSpan HeartBeat { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>An end that is not heard for so long is missing.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Longest message: the features of one image. Bytes.</summary>
    public int MaxMessageBytes { get; init; } = 128 << 20;

    /// <summary>Bytes that wait for one follower; a sender waits when it is full.</summary>
    public long MaxQueuedBytes { get; init; } = 256 << 20;

    /// <summary>Messages that wait on either end; as above.</summary>
    public int MaxQueuedMessages { get; init; } = 256;

    /// <summary>How long an end that closes lets the other take what was sent.</summary>
    public TimeSpan ClosePatience { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Wraps the followers' calls to the leader; null: plain. The leader's listener has its own.</summary>
    public SecureStream? Secure { get; init; }
}
