namespace LlavaCluster.Grains.Routing;

/// <summary>The chance that routing draws from; a test may give its own.</summary>
/// <param name="Random">Used by the gateway grain of this silo alone, one call at a time.</param>
internal sealed record RoutingChance(Random Random);
