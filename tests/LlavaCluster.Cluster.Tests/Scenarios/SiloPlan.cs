namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>A silo of a scene's cluster.</summary>
/// <param name="Name">Its name; also that of its replica or encoder.</param>
/// <param name="Roles">As <c>--roles</c> takes them.</param>
/// <param name="Flags">Further flags of <c>llava-silo serve</c>.</param>
internal sealed record SiloPlan(string Name, string Roles, params string[] Flags)
{
    /// <summary>True when clients may call it.</summary>
    public bool IsGateway => Roles.Contains("gateway", StringComparison.Ordinal);
}
