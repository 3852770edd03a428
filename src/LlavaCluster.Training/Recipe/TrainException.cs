namespace LlavaCluster.Training.Recipe;

/// <summary>Training cannot begin or go on; the message tells the operator what is wrong and the way out.</summary>
public sealed class TrainException : Exception
{
    /// <summary>With the sentence for the operator.</summary>
    public TrainException(string message)
        : base(message)
    {
    }

    /// <summary>With the sentence for the operator and what lay below.</summary>
    public TrainException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
