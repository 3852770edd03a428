namespace LlavaCluster.Core.Imaging;

/// <summary>The bytes that a client sent are no image that we take. The message names what was found, the limit and the way out.</summary>
public sealed class BadImageException : Exception
{
    /// <summary>With the sentence for the client.</summary>
    public BadImageException(string message)
        : base(message)
    {
    }

    /// <summary>With the sentence for the client and what the decoder said.</summary>
    public BadImageException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
