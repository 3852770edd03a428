namespace LlavaCluster.Grains.Fleet;

/// <summary>How the host looks at another silo's port. Any thread.</summary>
public interface ISiloPort
{
    /// <summary>
    /// True when the silo's machine says that nobody listens there: its process is gone. False when somebody does, or nothing was answered.
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    Task<bool> IsRefusingAsync(SiloAddress silo, CancellationToken cancellationToken);
}

/// <summary>Sees nothing; for hosts whose silos have no ports.</summary>
internal sealed class NoSiloPort : ISiloPort
{
    public Task<bool> IsRefusingAsync(SiloAddress silo, CancellationToken cancellationToken) => Task.FromResult(false);
}
