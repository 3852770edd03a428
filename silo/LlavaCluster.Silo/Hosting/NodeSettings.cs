using System.ComponentModel.DataAnnotations;
using System.Reflection;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// All options of a process, read from <c>appsettings.json</c>, the environment (<c>Llava__Roles</c>) and flags, and checked:
/// every mistake is told at once, before anything starts.
/// </summary>
internal sealed record NodeSettings(NodeOptions Node, ModelOptions Model, EngineOptions Engine, EdgeOptions Edge, ImageLimits Images)
{
    /// <summary>Configuration section of all options.</summary>
    public const string Section = "Llava";

    private const string ImagesSection = "Images";

    /// <summary>Reads and checks.</summary>
    /// <exception cref="UserErrorException">One line per mistake.</exception>
    public static NodeSettings Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        var settings = new NodeSettings(new(), new(), new(), new(), new());
        var mistakes = new List<string>();
        foreach (var options in (object[])[settings.Node, settings.Model, settings.Engine, settings.Edge])
        {
            Fill(options, section, mistakes);
        }

        Fill(settings.Images, section.GetSection(ImagesSection), mistakes);
        mistakes.AddRange(Unknown(settings, section));
        return mistakes.Count == 0 ? settings : throw new UserErrorException(string.Join(Environment.NewLine, mistakes));
    }

    private static void Fill(object options, IConfigurationSection section, List<string> mistakes)
    {
        foreach (var property in Settable(options))
        {
            var path = $"{section.Path}:{property.Name}";
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
                mistakes.Add($"{path} is '{value}', which is no number.");
                continue;
            }

            if (property.GetCustomAttribute<RangeAttribute>() is { } range && !range.IsValid(property.GetValue(options)))
            {
                mistakes.Add($"{path} is {value}; it must lie between {range.Minimum} and {range.Maximum}.");
            }
        }

        if (options is IValidatableObject self)
        {
            mistakes.AddRange(self.Validate(new ValidationContext(options)).Select(r => r.ErrorMessage!));
        }
    }

    /// <summary>A misspelt name would otherwise be passed over in silence.</summary>
    private static IEnumerable<string> Unknown(NodeSettings settings, IConfigurationSection section)
    {
        var known = ((object[])[settings.Node, settings.Model, settings.Engine, settings.Edge])
            .SelectMany(Settable).Select(p => p.Name).Append(ImagesSection).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var images = Settable(settings.Images).Select(p => p.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return section.GetChildren().Where(c => !known.Contains(c.Key))
            .Concat(section.GetSection(ImagesSection).GetChildren().Where(c => !images.Contains(c.Key)))
            .Select(c => $"{c.Path} is no option.");
    }

    private static IEnumerable<PropertyInfo> Settable(object options) =>
        options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite);
}
