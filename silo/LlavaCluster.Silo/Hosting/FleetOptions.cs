using System.ComponentModel.DataAnnotations;
using System.Net;
using LlavaCluster.Core.Sessions;

namespace LlavaCluster.Silo.Hosting;

/// <summary>How processes find each other, and where they keep what they share. Configuration section <c>Llava</c>.</summary>
internal sealed class FleetOptions : IValidatableObject
{
    /// <summary>How processes find each other: <c>localhost</c> (this one alone) or <c>redis</c>.</summary>
    public string Membership { get; set; } = "localhost";

    /// <summary>Where conversations and images are kept: <c>files</c> (the data folder) or <c>redis</c>.</summary>
    public string Store { get; set; } = "files";

    /// <summary>Redis: <c>host:port</c>, with StackExchange.Redis' options behind commas when needed.</summary>
    public string Redis { get; set; } = "127.0.0.1:6379";

    /// <summary>How long an answer of Redis is waited for, seconds, before a call fails.</summary>
    [Range(1, 600)]
    public int RedisPatienceSeconds { get; set; } = 10;

    /// <summary>Name of the cluster: processes of one name belong together, and it begins every key in Redis.</summary>
    public string Cluster { get; set; } = "llava";

    /// <summary>Address of this process for the others.</summary>
    public string SiloAddress { get; set; } = "127.0.0.1";

    /// <summary>Name of the replica of the language model that this process serves; unique in the cluster.</summary>
    public string Replica { get; set; } = "0";

    /// <summary>Name of the image encoder of this process; unique in the cluster.</summary>
    public string Encoder { get; set; } = "0";

    /// <summary>Which entries of a log in files are on the disk when they are written: turns, always or never.</summary>
    public TurnLogSync LogSync { get; set; }

    /// <summary>True when Redis is needed.</summary>
    public bool UsesRedis => Membership == "redis" || Store == "redis";

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Membership is not ("localhost" or "redis"))
        {
            yield return new($"Membership '{Membership}' is unknown; localhost and redis are known.");
        }

        if (Store is not ("files" or "redis"))
        {
            yield return new($"Store '{Store}' is unknown; files and redis are known.");
        }

        if (!IPAddress.TryParse(SiloAddress, out _))
        {
            yield return new($"'{SiloAddress}' is no address of a silo; 127.0.0.1 and 10.0.0.7 are examples.");
        }

        foreach (var (name, value) in new[] { ("cluster", Cluster), ("replica", Replica), ("encoder", Encoder) })
        {
            if (value.Length is 0 or > 64 || !value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            {
                yield return new($"'{value}' is no name of a {name}: 1 to 64 letters, digits, '-', '_' and '.' are.");
            }
        }
    }
}
