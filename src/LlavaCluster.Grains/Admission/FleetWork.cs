using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Admission;

/// <summary>What the cluster has on its hands.</summary>
/// <param name="All">Of all tenants.</param>
/// <param name="Tenant">Of the tenant in question.</param>
/// <param name="BlocksInAll">KV blocks of all replicas; 0: not known.</param>
/// <param name="TurnRate">Turns that end in a second.</param>
/// <param name="TileRate">Tiles that are encoded in a second.</param>
internal readonly record struct FleetWork(
    TurnWorkMessage All, TurnWorkMessage Tenant, long BlocksInAll, double TurnRate, double TileRate);
