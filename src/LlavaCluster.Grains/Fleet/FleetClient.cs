using LlavaCluster.Grains.Contracts;
using Orleans.Runtime.Services;
using Orleans.Services;

namespace LlavaCluster.Grains.Fleet;

/// <summary>Reaches the fleet services of silos.</summary>
internal interface IFleetClient : IGrainServiceClient<IFleetService>
{
    /// <summary>The service of a silo.</summary>
    IFleetService At(SiloAddress silo);
}

/// <inheritdoc cref="IFleetClient"/>
internal sealed class FleetClient(IServiceProvider services) : GrainServiceClient<IFleetService>(services), IFleetClient
{
    /// <inheritdoc/>
    public IFleetService At(SiloAddress silo) => GetGrainService(silo);
}
