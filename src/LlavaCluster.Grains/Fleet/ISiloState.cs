namespace LlavaCluster.Grains.Fleet;

/// <summary>What the host knows of its silo. Any thread.</summary>
public interface ISiloState
{
    /// <summary>It takes nothing new.</summary>
    bool IsDraining { get; }
}

/// <summary>Never drains; for hosts that have no such state.</summary>
internal sealed class OpenSilo : ISiloState
{
    public bool IsDraining => false;
}
