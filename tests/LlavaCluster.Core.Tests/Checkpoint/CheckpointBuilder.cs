using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using LlavaCluster.Core.Checkpoint;
using Xunit;

namespace LlavaCluster.Core.Tests.Checkpoint;

/// <summary>A checkpoint folder in the making: a small LLaVA-NeXT of 1 layer, to be spoilt by a test. Removed at the end.</summary>
internal sealed class CheckpointBuilder : IDisposable
{
    public CheckpointBuilder()
    {
        Folder = Directory.CreateTempSubdirectory("checkpoint-").FullName;
        Config = JsonNode.Parse("""
            {
              "model_type": "llava_next",
              "image_token_index": 30,
              "image_grid_pinpoints": [[4, 8], [8, 4]],
              "text_config": {
                "model_type": "llama", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 1,
                "num_attention_heads": 2, "vocab_size": 32
              },
              "vision_config": {
                "hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2,
                "image_size": 4, "patch_size": 2
              }
            }
            """)!.AsObject();
    }

    public string Folder { get; }

    public JsonObject Config { get; set; }

    public JsonObject Text => Config["text_config"]!.AsObject();

    public JsonObject Vision => Config["vision_config"]!.AsObject();

    /// <summary>Writes config.json and reads the folder.</summary>
    public LlavaConfig Read()
    {
        Write("config.json", Config.ToJsonString());
        return LlavaConfigReader.Read(Folder);
    }

    /// <summary>The message with which the folder is refused, without the folder.</summary>
    public string Refusal() => Assert.Throws<BadCheckpointException>(Read).Message.Replace(Folder + "/", "");

    public void Write(string file, string text) => File.WriteAllText(Path.Combine(Folder, file), text);

    public void Write(string file, byte[] bytes) => File.WriteAllBytes(Path.Combine(Folder, file), bytes);

    /// <summary>All tensors that the config asks for, published names, zeros.</summary>
    public List<(string Name, string Type, long[] Shape)> Tensors() =>
        [.. TensorCatalog.Of(Read()).Select(e => (WeightName.Published(e.Name), "F16", e.Shape))];

    public void WriteTensors(string file, params IEnumerable<(string Name, string Type, long[] Shape)> tensors) =>
        Write(file, Safetensors(tensors));

    public static byte[] Safetensors(IEnumerable<(string Name, string Type, long[] Shape)> tensors)
    {
        var header = new JsonObject();
        long begin = 0;
        foreach (var (name, type, shape) in tensors)
        {
            var end = begin + shape.Aggregate((long)SafetensorsTensor.ElementSizes[type], (product, size) => product * size);
            header[name] = new JsonObject
            {
                ["dtype"] = type,
                ["shape"] = new JsonArray([.. shape.Select(s => (JsonNode)s)]),
                ["data_offsets"] = new JsonArray(begin, end),
            };
            begin = end;
        }

        return Safetensors(header.ToJsonString(), begin);
    }

    public static byte[] Safetensors(string header, long dataLength)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + dataLength];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        return bytes;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
