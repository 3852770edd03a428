using System.ComponentModel.DataAnnotations;
using System.Net;

namespace LlavaCluster.Silo.Hosting;

/// <summary>What this process is in the cluster, and where it listens. Configuration section <c>Llava</c>.</summary>
internal sealed class NodeOptions : IValidatableObject
{
    /// <summary>Roles that exist.</summary>
    public static readonly string[] KnownRoles = ["gateway", "encoder", "decoder"];

    /// <summary>Roles of this process, with commas between.</summary>
    public string Roles { get; set; } = "gateway,encoder,decoder";

    /// <summary>
    /// Address that the HTTP and gRPC ports listen at; 0.0.0.0 for all. The silo's own port listens at its silo address.
    /// </summary>
    public string Bind { get; set; } = "127.0.0.1";

    /// <summary>Port for HTTP/1.1 and 2; 0 takes a free one.</summary>
    [Range(0, 65_535)]
    public int Http { get; set; } = 5080;

    /// <summary>Port for gRPC (HTTP/2 without TLS); 0 takes a free one.</summary>
    [Range(0, 65_535)]
    public int Grpc { get; set; } = 5081;

    /// <summary>Port for the other silos; 0 takes a free one.</summary>
    [Range(0, 65_535)]
    public int SiloPort { get; set; }

    /// <summary>
    /// Folder for sessions and images; empty: <c>llava-cluster</c> in the user's local data folder. Only memory when
    /// null.
    /// </summary>
    public string? Data { get; set; } = "";

    /// <summary>How long running turns may go on after SIGTERM, seconds.</summary>
    [Range(0, 3600)]
    public int DrainSeconds { get; set; } = 30;

    /// <summary>The roles, one by one.</summary>
    public IReadOnlyList<string> RoleList =>
        Roles.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var role in RoleList.Where(r => !KnownRoles.Contains(r)))
        {
            yield return new($"Role '{role}' is unknown; {string.Join(", ", KnownRoles)} are known.");
        }

        if (RoleList.Count == 0)
        {
            yield return new($"A silo needs at least one role of {string.Join(", ", KnownRoles)}.");
        }

        if (!IPAddress.TryParse(Bind, out _))
        {
            yield return new($"'{Bind}' is no address to listen at; 127.0.0.1 and 0.0.0.0 are examples.");
        }
    }
}
