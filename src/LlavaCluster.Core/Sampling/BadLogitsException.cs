namespace LlavaCluster.Core.Sampling;

/// <summary>A row of logits from which no token can be chosen: the model's numbers overflowed or its weights are damaged.</summary>
public sealed class BadLogitsException(string message) : Exception(message);
