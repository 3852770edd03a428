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

    /// <summary>
    /// Name of the replica of the language model that this process serves, or has a rank of; unique in the cluster.
    /// </summary>
    public string Replica { get; set; } = "0";

    /// <summary>
    /// The one rank of the replica that this process serves, while others serve the others; null: it serves all ranks.
    /// </summary>
    [Range(0, 63)]
    public int? Rank { get; set; }

    /// <summary>
    /// This process serves no rank of its replica until one is missing; its value names it, unique in the replica. Null: no.
    /// </summary>
    public string? Spare { get; set; }

    /// <summary>How long a rank may be missing before a spare process takes its place, seconds.</summary>
    [Range(0, 3600)]
    public int SpareAfterSeconds { get; set; } = 2;

    /// <summary>
    /// A rank that the leader hears nothing of for so long, milliseconds, is missing, and the other way round: short finds a lost machine
    /// soon, long bears machines with too much to do.
    /// </summary>
    [Range(100, 600_000)]
    public int RankSilenceMilliseconds { get; set; } = 500;

    /// <summary>
    /// What the ranks' numbers travel by: auto (nccl between GPUs, else tcp), tcp, shared (memory, where all ranks are processes of one
    /// machine) or nccl.
    /// </summary>
    public string Collective { get; set; } = "auto";

    /// <summary>File of the NCCL library; null: libnccl.so.2 where the system has it.</summary>
    public string? NcclLibrary { get; set; }

    /// <summary>
    /// How much KV a second is believed to bring from another replica, MiB, before it was measured; a conversation's KV is moved where that
    /// is faster than computing it. 0: it is always computed, and none is lent.
    /// </summary>
    [Range(0, 1 << 20)]
    public int KvMoveMibPerSecond { get; set; } = 1000;

    /// <summary>Name of the image encoder of this process; unique in the cluster.</summary>
    public string Encoder { get; set; } = "0";

    /// <summary>Which entries of a log in files are on the disk when they are written: turns, always or never.</summary>
    public TurnLogSync LogSync { get; set; }

    /// <summary>This process's certificate for the other silos, a PEM file; empty: silos do not ask each other who they are.</summary>
    public string TlsCertificate { get; set; } = "";

    /// <summary>Its private key, a PEM file.</summary>
    public string TlsKey { get; set; } = "";

    /// <summary>The certificate of the cluster's own authority, a PEM file: who shows none of its certificates is no silo.</summary>
    public string TlsAuthority { get; set; } = "";

    /// <summary>True when this process is one of several that serve a replica together.</summary>
    public bool IsOneRank => Rank is not null || Spare is not null;

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

        if (Collective is not ("auto" or "tcp" or "shared" or "nccl"))
        {
            yield return new($"Collective '{Collective}' is unknown; auto, tcp, shared and nccl are known.");
        }

        if (Rank is not null && Spare is not null)
        {
            yield return new("A process serves a rank of its own or is a spare one; give rank or spare, not both.");
        }

        if (IsOneRank && Membership == "localhost")
        {
            yield return new("Ranks in several processes find each other by a shared membership; 'localhost' is one process alone. Take --membership redis.");
        }

        if (new[] { TlsCertificate, TlsKey, TlsAuthority }.Select(file => file.Length > 0).Distinct().Count() > 1)
        {
            yield return new("Of certificate, key and authority some are missing; --tls-certificate, --tls-key and --tls-authority belong together.");
        }

        foreach (var (name, value) in new[] { ("cluster", Cluster), ("replica", Replica), ("encoder", Encoder), ("spare", Spare ?? "spare") })
        {
            if (value.Length is 0 or > 64 || !value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            {
                yield return new($"'{value}' is no name of a {name}: 1 to 64 letters, digits, '-', '_' and '.' are.");
            }
        }
    }
}
