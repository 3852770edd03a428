namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>Something in a scene is not as it must be.</summary>
internal sealed class SceneFailedException(string message, Exception? inner = null) : Exception(message, inner);
