namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>A silo of a scene's cluster.</summary>
/// <param name="Name">Its name; also that of its encoder.</param>
/// <param name="Roles">As <c>--roles</c> takes them.</param>
/// <param name="Flags">Further flags of <c>llava-silo serve</c>.</param>
internal sealed record SiloPlan(string Name, string Roles, params string[] Flags)
{
    /// <summary>Its replica, or the one that it has a rank of; null: one of its own name.</summary>
    public string? Replica { get; init; }

    /// <summary>Its address for the others; null: that of the scene's ground.</summary>
    public string? Address { get; init; }

    /// <summary>A program, with arguments, that it is started by.</summary>
    public IReadOnlyList<string> Under { get; init; } = [];

    /// <summary>True when clients may call it.</summary>
    public bool IsGateway => Roles.Contains("gateway", StringComparison.Ordinal);
}
