namespace LlavaCluster.Core.Links;

/// <summary>Ranks did not come together, or a connection between them is lost.</summary>
public sealed class RankLinkException : IOException
{
    /// <summary>With what happened, to which rank, and what is left to do.</summary>
    public RankLinkException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
