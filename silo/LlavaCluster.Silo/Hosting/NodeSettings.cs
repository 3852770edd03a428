using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Reflection;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Grains.Admission;
using LlavaCluster.Silo.Commands;
using SessionOptions = LlavaCluster.Grains.Sessions.SessionOptions;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// All options of a process, read from <c>appsettings.json</c>, the environment (<c>Llava__Roles</c>) and flags, and
/// checked:
/// every mistake is told at once, before anything starts.
/// </summary>
internal sealed record NodeSettings(
    NodeOptions Node,
    FleetOptions Fleet,
    ModelOptions Model,
    EngineOptions Engine,
    TierOptions Tiers,
    EdgeOptions Edge,
    SessionOptions Sessions,
    AdmissionOptions Admission,
    ImageLimits Images)
{
    /// <summary>Configuration section of all options.</summary>
    public const string Section = "Llava";

    /// <summary>The configuration that the options came from; logging reads its own section there.</summary>
    public required IConfiguration Configuration { get; init; }

    /// <summary>Largest gRPC request, bytes: what configuration says, but never less than the largest image.</summary>
    public long MaxRequestBytes => Math.Max((long)Edge.MaxRequestMib << 20, Images.MaxBytes + (1L << 20));

    /// <summary>What the numbers of ranks in several processes travel by: tcp, shared or nccl.</summary>
    public string CollectiveInUse => Fleet.Collective == "auto" ? Model.Device == "cpu" ? "tcp" : "nccl" : Fleet.Collective;

    /// <summary>Whether callers may list all sessions.</summary>
    public bool MayListSessions => Edge.ListSessions ?? IPAddress.IsLoopback(IPAddress.Parse(Node.Bind));

    /// <summary>Whether callers may have processes leave.</summary>
    public bool MayDrainSilos => Edge.DrainSilos ?? IPAddress.IsLoopback(IPAddress.Parse(Node.Bind));

    private IEnumerable<(object Options, string Section)> All =>
    [
        (Node, Section),
        (Fleet, Section),
        (Model, Section),
        (Engine, Section),
        (Tiers, Section),
        (Edge, Section),
        (Sessions, $"{Section}:Sessions"),
        (Admission, $"{Section}:Admission"),
        (Images, $"{Section}:Images"),
    ];

    /// <summary>Reads and checks.</summary>
    /// <exception cref="UserErrorException">One line per mistake.</exception>
    public static NodeSettings Read(IConfiguration configuration)
    {
        var settings = new NodeSettings(new(), new(), new(), new(), new(), new(), new(), new(), new()) { Configuration = configuration };
        var mistakes = new List<string>();
        foreach (var (options, section) in settings.All)
        {
            Fill(options, configuration.GetSection(section), mistakes);
        }

        mistakes.AddRange(settings.Unknown());
        return mistakes.Count == 0
            ? settings
            : throw new UserErrorException(string.Join(Environment.NewLine, mistakes));
    }

    private static void Fill(object options, IConfigurationSection section, List<string> mistakes)
    {
        foreach (var property in Settable(options))
        {
            var value = section[property.Name];
            if (value is null)
            {
                continue;
            }

            try
            {
                property.SetValue(options, section.GetValue(property.PropertyType, property.Name));
            }
            catch (InvalidOperationException)
            {
                mistakes.Add($"{section.Path}:{property.Name} is '{value}', which is no number that fits.");
                continue;
            }

            if (property.GetCustomAttribute<RangeAttribute>() is { } range && !range.IsValid(property.GetValue(options)))
            {
                mistakes.Add(
                    $"{section.Path}:{property.Name} is {value}; it must lie between {range.Minimum} and {range.Maximum}.");
            }
        }

        if (options is IValidatableObject self)
        {
            mistakes.AddRange(self.Validate(new ValidationContext(options)).Select(r => r.ErrorMessage!));
        }
    }

    /// <summary>A misspelt name would otherwise be passed over in silence.</summary>
    private IEnumerable<string> Unknown()
    {
        var known = All.SelectMany(o => Settable(o.Options).Select(p => $"{o.Section}:{p.Name}").Append(o.Section))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        return Configuration.GetSection(Section).AsEnumerable()
            .Where(entry => !known.Contains(entry.Key))
            .Select(entry => $"{entry.Key} is no option.");
    }

    private static IEnumerable<PropertyInfo> Settable(object options) =>
        options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite);
}
