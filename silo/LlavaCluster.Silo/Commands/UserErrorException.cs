namespace LlavaCluster.Silo.Commands;

/// <summary>Something that the operator can put right. The message says what and how.</summary>
internal sealed class UserErrorException : Exception
{
    /// <summary>With the sentence for the operator.</summary>
    public UserErrorException(string message)
        : base(message)
    {
    }

    /// <summary>With the sentence for the operator and what lay below.</summary>
    public UserErrorException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
