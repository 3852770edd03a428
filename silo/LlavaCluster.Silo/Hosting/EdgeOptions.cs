using System.ComponentModel.DataAnnotations;

namespace LlavaCluster.Silo.Hosting;

/// <summary>What the edge takes from a client. Configuration section <c>Llava</c>.</summary>
internal sealed class EdgeOptions
{
    /// <summary>Largest gRPC request, MiB: the images sent inside one turn. Larger ones are uploaded first.</summary>
    [Range(1, 1024)]
    public int MaxRequestMib { get; set; } = 64;

    /// <summary>
    /// Whether callers may list all sessions. Whoever knows a session's id may go on with it, so by default only a server that none but
    /// this machine reaches lists them.
    /// </summary>
    public bool? ListSessions { get; set; }

    /// <summary>Whether callers may have processes leave the cluster; by default, too, only where none but this machine calls.</summary>
    public bool? DrainSilos { get; set; }
}
