using System.Text.Json;

namespace LlavaCluster.Core.Checkpoint;

/// <summary><c>model.safetensors.index.json</c>: which shard holds which tensor.</summary>
internal static class ShardIndex
{
    private const string Key = "weight_map";

    /// <summary>File name by tensor name.</summary>
    public static IReadOnlyDictionary<string, string> Read(ConfigObject index)
    {
        const string taken = "an object of tensor names and the names of *.safetensors files in the same folder";
        if (index.Find(Key) is not { ValueKind: JsonValueKind.Object } entries)
        {
            throw index.Refuse(Key, taken);
        }

        var map = new Dictionary<string, string>();
        foreach (var entry in entries.EnumerateObject())
        {
            var file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
            if (!file.EndsWith(".safetensors", StringComparison.Ordinal) || file != Path.GetFileName(file))
            {
                throw index.Refuse($"{Key} has {entry.Value.GetRawText()} for tensor '{entry.Name}'; LlavaCluster takes {taken}.");
            }

            map[entry.Name] = file;
        }

        return map.Count > 0 ? map : throw index.Refuse(Key, taken);
    }
}
