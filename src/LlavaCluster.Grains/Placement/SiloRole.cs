namespace LlavaCluster.Grains.Placement;

/// <summary>What a silo does. Several at once are usual on one machine.</summary>
[Flags]
public enum SiloRoles
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Sessions, routing and the edge.</summary>
    Gateway = 1,

    /// <summary>Images to features.</summary>
    Encoder = 2,

    /// <summary>One rank of a replica of the language model.</summary>
    Decoder = 4,

    /// <summary>All of them.</summary>
    All = Gateway | Encoder | Decoder,
}

/// <summary>What a silo is, for the others to see.</summary>
public sealed record SiloRole
{
    /// <summary>Metadata key of the shard that a silo serves.</summary>
    internal const string ShardKey = "llava.shard";

    /// <summary>Metadata key of the encoder that a silo serves.</summary>
    internal const string EncoderKey = "llava.encoder";

    /// <summary>What the silo does.</summary>
    public SiloRoles Roles { get; init; } = SiloRoles.All;

    /// <summary>Replica that it has a rank of; decoders only.</summary>
    public string Replica { get; init; } = "0";

    /// <summary>Its rank; decoders only.</summary>
    public int Rank { get; init; }

    /// <summary>Ranks of its replica; decoders only.</summary>
    public int Ranks { get; init; } = 1;

    /// <summary>Name among its replica's spare silos, which have no rank of their own; null: it is none.</summary>
    public string? Spare { get; init; }

    /// <summary>Id of its encoder, unique in the cluster; encoders only.</summary>
    public string Encoder { get; init; } = "0";

    /// <summary>Key of its shard grain.</summary>
    public string Shard => Spare is null ? $"{Replica}/{Rank}" : $"{Replica}/spare-{Spare}";

    /// <summary>What other silos see of it.</summary>
    internal Dictionary<string, string> Metadata()
    {
        var metadata = new Dictionary<string, string>();
        if (Roles.HasFlag(SiloRoles.Decoder))
        {
            metadata[ShardKey] = Shard;
        }

        if (Roles.HasFlag(SiloRoles.Encoder))
        {
            metadata[EncoderKey] = Encoder;
        }

        return metadata;
    }
}
