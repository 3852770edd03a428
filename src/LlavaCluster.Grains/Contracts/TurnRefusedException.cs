namespace LlavaCluster.Grains.Contracts;

/// <summary>Why a request was not served; the edge has one status per code.</summary>
public enum RefusalCode
{
    /// <summary>The request itself is wrong: bad image, empty turn, an option out of its range.</summary>
    InvalidArgument,

    /// <summary>It does not fit the model's context.</summary>
    ContextExceeded,

    /// <summary>Too much is waiting; <see cref="TurnRefusedException.RetryAfter"/> says when to try again.</summary>
    QueueFull,

    /// <summary>There is no such session or image.</summary>
    NotFound,

    /// <summary>The turn id was used for something else.</summary>
    AlreadyExists,

    /// <summary>Another turn of the session runs, and the request did not want to wait.</summary>
    TurnRunning,

    /// <summary>Nobody can serve it now: no replica, or the silo is stopping.</summary>
    Unavailable,

    /// <summary>The session is leaving its silo and comes up on another one: whoever asks again finds it there.</summary>
    Moving,
}

/// <summary>A request was refused and changed nothing. The message is meant for the client: value, limit, way out.</summary>
[GenerateSerializer, Alias("llava.TurnRefused")]
public sealed class TurnRefusedException : Exception
{
    /// <summary>With the sentence for the client.</summary>
    public TurnRefusedException(RefusalCode code, string message, TimeSpan? retryAfter = null, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        RetryAfter = retryAfter;
    }

    /// <summary>Why.</summary>
    [Id(0)]
    public RefusalCode Code { get; private set; }

    /// <summary>When to try again; only with <see cref="RefusalCode.QueueFull"/> and <see cref="RefusalCode.Unavailable"/>.</summary>
    [Id(1)]
    public TimeSpan? RetryAfter { get; private set; }
}
