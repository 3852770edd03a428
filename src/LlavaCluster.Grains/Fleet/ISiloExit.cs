namespace LlavaCluster.Grains.Fleet;

/// <summary>How the host is told to leave. Any thread.</summary>
public interface ISiloExit
{
    /// <summary>Begins what SIGTERM begins: the process drains, then ends. Returns at once.</summary>
    void Leave();
}

/// <summary>Stays; for hosts that end by themselves.</summary>
internal sealed class NoExit : ISiloExit
{
    public void Leave()
    {
    }
}
