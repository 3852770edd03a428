using System.Text.Json.Nodes;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Tests;

namespace LlavaCluster.Core.Tests.Prompting;

/// <summary>A folder of its own with tokenizer files that a test has changed; deleted with it.</summary>
internal sealed class TokenizerFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("words-").FullName;

    /// <summary>A tiny tokenizer.json: letters, two merges, bytes for line ends, an added token; changed as the test likes.</summary>
    public static TokenizerFolder Json(Action<JsonObject>? change = null)
    {
        var json = JsonNode.Parse("""
            {
              "added_tokens": [{"id": 0, "content": "<unk>", "special": true}, {"id": 1, "content": "<s>", "special": true}],
              "normalizer": null,
              "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false},
              "post_processor": {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
              "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
              "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
                "vocab": {"<unk>": 0, "<s>": 1, "▁": 2, "a": 3, "b": 4, "ab": 5, "▁ab": 6, "c": 7, "<0x0A>": 8, "abc": 9},
                "merges": [["a", "b"], ["▁", "ab"]]}
            }
            """)!.AsObject();
        change?.Invoke(json);
        return new TokenizerFolder().Write("tokenizer.json", json.ToJsonString());
    }

    /// <summary>tokenizer.model of a golden checkpoint, and a tokenizer_config.json.</summary>
    public static TokenizerFolder SentencePiece(string checkpoint, string config)
    {
        var folder = new TokenizerFolder();
        File.Copy(GoldenFolder.Of("checkpoints", checkpoint, "tokenizer.model"), System.IO.Path.Combine(folder.Path, "tokenizer.model"));
        return folder.Write("tokenizer_config.json", config);
    }

    public TokenizerFolder Write(string name, string text)
    {
        File.WriteAllText(System.IO.Path.Combine(Path, name), text);
        return this;
    }

    public TokenizerFolder Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(System.IO.Path.Combine(Path, name), bytes);
        return this;
    }

    public ITokenizer Load() => TokenizerFiles.Load(Path);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
