using LlavaCluster.Grains.Contracts;
using Orleans.Metadata;
using Orleans.Placement;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Runtime.Placement;

namespace LlavaCluster.Grains.Placement;

/// <summary>A grain lives on the one silo whose metadata names its key: a shard beside its device, an encoder beside its own.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OwnerPlacementAttribute(string metadataKey) : PlacementAttribute(new OwnerPlacement(metadataKey));

/// <summary>By which metadata a grain's silo is found.</summary>
internal sealed class OwnerPlacement : PlacementStrategy
{
    private const string Property = "llava.owner";

    /// <summary>For the runtime, which calls <see cref="Initialize"/>.</summary>
    public OwnerPlacement()
    {
    }

    /// <summary>By this metadata key.</summary>
    public OwnerPlacement(string metadataKey) => MetadataKey = metadataKey;

    /// <summary>The metadata key whose value is the grain's key.</summary>
    public string MetadataKey { get; private set; } = "";

    /// <inheritdoc/>
    public override void Initialize(GrainProperties properties)
    {
        base.Initialize(properties);
        MetadataKey = properties.Properties.GetValueOrDefault(Property) ?? "";
    }

    /// <inheritdoc/>
    public override void PopulateGrainProperties(
        IServiceProvider services, Type grainClass, GrainType grainType, Dictionary<string, string> properties)
    {
        base.PopulateGrainProperties(services, grainClass, grainType, properties);
        properties[Property] = MetadataKey;
    }
}

/// <summary>Finds the owner. Refuses at once when there is none: nobody else could do its work.</summary>
internal sealed class OwnerDirector(ISiloMetadataCache metadata) : IPlacementDirector
{
    /// <inheritdoc/>
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var metadataKey = ((OwnerPlacement)strategy).MetadataKey;
        var key = target.GrainIdentity.Key.ToString()!;
        foreach (var silo in context.GetCompatibleSilos(target))
        {
            if (metadata.GetSiloMetadata(silo).Metadata.GetValueOrDefault(metadataKey) == key)
            {
                return Task.FromResult(silo);
            }
        }

        throw new TurnRefusedException(
            RefusalCode.Unavailable, $"No silo with {metadataKey} = {key} is serving. Try again in a moment.", TimeSpan.FromSeconds(1));
    }
}
