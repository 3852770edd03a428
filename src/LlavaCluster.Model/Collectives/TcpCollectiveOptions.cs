using LlavaCluster.Core.Links;

namespace LlavaCluster.Model.Collectives;

/// <summary>How the ranks of a <see cref="TcpCollective"/> talk.</summary>
public sealed record TcpCollectiveOptions
{
    /// <summary>How long ranks wait for each other when they form.</summary>
    public TimeSpan JoinPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A call that no byte comes for in so long aborts. Lost ranks are noticed sooner: by their connection, or by the plan link.</summary>
    public TimeSpan CallPatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>All ranks are processes of one machine and exchange their numbers in shared memory; the connections only watch.</summary>
    public bool SharedMemory { get; init; }

    /// <summary>Bytes of each rank's part of the shared memory; larger tensors go through it piece by piece.</summary>
    public int SharedMemoryBytes { get; init; } = 1 << 20;

    /// <summary>
    /// How long a waiting rank keeps its processor before it sleeps; null: 50 µs where every rank can have a processor of this machine,
    /// else not at all.
    /// </summary>
    public TimeSpan? Spin { get; init; }

    /// <summary>
    /// Wraps the connections that this rank makes; its listener wraps those that are made to it by the same. Null: plain. What goes through
    /// shared memory stays there.
    /// </summary>
    public SecureStream? Secure { get; init; }

    internal TimeSpan SpinOf(int ranks) =>
        Spin ?? (ranks <= Environment.ProcessorCount ? TimeSpan.FromMicroseconds(50) : TimeSpan.Zero);
}
