using LlavaCluster.Core.Links;

namespace LlavaCluster.Core.Moving;

/// <summary>How KV moves between replicas.</summary>
public sealed record KvMoveOptions
{
    /// <summary>Bytes per second that a move is believed to bring before one was measured.</summary>
    public double StartRate { get; init; } = 1e9;

    /// <summary>Callers that one replica serves at once; more are turned away, and compute.</summary>
    public int MostCallers { get; init; } = 32;

    /// <summary>Times that a stream which broke is taken up again, each behind the blocks that came; one that brought none is the last.</summary>
    public int MostAttempts { get; init; } = 4;

    /// <summary>How long a connection may take to come about.</summary>
    public TimeSpan ConnectPatience { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long the other's engine may take to look for the blocks: it does so between two steps.</summary>
    public TimeSpan AnswerPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a stream may stand still.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long blocks are lent after the last of them was sent, for a caller that still needs them held.</summary>
    public TimeSpan LoanPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long several ranks lend blocks; a move that takes longer brings nothing.</summary>
    public TimeSpan HoldPatience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Wraps each connection; null: plain.</summary>
    public SecureStream? Secure { get; init; }
}
