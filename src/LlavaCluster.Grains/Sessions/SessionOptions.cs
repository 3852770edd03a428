using System.ComponentModel.DataAnnotations;

namespace LlavaCluster.Grains.Sessions;

/// <summary>What a turn may bring. Section <c>Llava:Sessions</c>.</summary>
public sealed class SessionOptions
{
    /// <summary>Most images of a turn.</summary>
    [Range(0, 1024)]
    public int MaxImagesPerTurn { get; set; } = 24;

    /// <summary>Most characters of all texts of a turn, system message included.</summary>
    [Range(1, 1 << 26)]
    public int MaxTextLength { get; set; } = 1 << 20;

    /// <summary>Tokens of an answer when the client names no number.</summary>
    [Range(1, 1 << 20)]
    public int DefaultMaxTokens { get; set; } = 1024;

    /// <summary>Turns that may wait in one session behind the one that runs.</summary>
    [Range(0, 1024)]
    public int MaxWaitingTurns { get; set; } = 8;

    /// <summary>Most stop texts.</summary>
    [Range(0, 1024)]
    public int MaxStopTexts { get; set; } = 16;

    /// <summary>Refuse a turn that comes while another one of its session runs, whatever its request says; else the request decides.</summary>
    public bool RefuseWhileBusy { get; set; }

    /// <summary>A session that was not used for so many hours is deleted; 0: never.</summary>
    [Range(0, 1_000_000)]
    public int ExpireHours { get; set; } = 720;

    /// <summary>An image that was put and that no turn has used is deleted after so many hours; 0: never.</summary>
    [Range(0, 1_000_000)]
    public int UnusedImageHours { get; set; } = 24;

    /// <summary>Tokens of a running turn that are written to its log together.</summary>
    [Range(1, 4096)]
    public int CheckpointTokens { get; set; } = 32;

    /// <summary>The longest that a token waits to be written, milliseconds.</summary>
    [Range(1, 60_000)]
    public int CheckpointMilliseconds { get; set; } = 250;

    /// <summary>How long a turn waits for a replica, one that is formed anew among them, before its client is told to ask again; seconds.</summary>
    [Range(0, 3600)]
    public int ReplicaSeconds { get; set; } = 30;

    /// <summary>How long a session that has no turn (refused, unknown, deleted) stays in memory, seconds; others stay for minutes.</summary>
    [Range(1, 3600)]
    public int EmptySeconds { get; set; } = 10;
}
