using System.ComponentModel.DataAnnotations;

namespace LlavaCluster.Silo.Hosting;

/// <summary>What the edge takes from a client. Configuration section <c>Llava</c>.</summary>
internal sealed class EdgeOptions
{
    /// <summary>Most images of one turn.</summary>
    [Range(1, 1000)]
    public int MaxImages { get; set; } = 24;

    /// <summary>Tokens of an answer where a request does not say.</summary>
    [Range(1, 1 << 20)]
    public int DefaultMaxTokens { get; set; } = 1024;

    /// <summary>Largest gRPC request, MiB: the images sent inside one turn. Larger ones are uploaded first.</summary>
    [Range(1, 1024)]
    public int MaxRequestMib { get; set; } = 64;
}
