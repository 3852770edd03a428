using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Inspection;

/// <summary>JSON files that a user names.</summary>
internal static class JsonInput
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="UserErrorException">No such file, or not JSON.</exception>
    public static JsonNode Read(string file)
    {
        if (!File.Exists(file))
        {
            throw new UserErrorException($"There is no file '{file}'.");
        }

        try
        {
            return JsonNode.Parse(File.ReadAllBytes(file)) ?? throw new UserErrorException($"{file}: is empty.");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{file}: is not JSON: {error.Message}", error);
        }
    }
}
