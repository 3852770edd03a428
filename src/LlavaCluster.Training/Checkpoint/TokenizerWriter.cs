using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaCluster.Training.Checkpoint;

/// <summary>
/// Writes a vocabulary as the tokenizer files of a published checkpoint. The class is transformers' PreTrainedTokenizerFast, which
/// takes tokenizer.json as it stands.
/// </summary>
internal static class TokenizerWriter
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes tokenizer.json, tokenizer_config.json, special_tokens_map.json, added_tokens.json and chat_template.json.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="context">Longest sequence, tokens.</param>
    public static void Write(string folder, BpeVocabulary vocabulary, int context)
    {
        Save("tokenizer.json", Tokenizer(vocabulary));
        Save("tokenizer_config.json", Configuration(vocabulary, context));
        Save("special_tokens_map.json", new JsonObject
        {
            ["additional_special_tokens"] = new JsonArray(BpeVocabulary.Image),
            ["bos_token"] = Token("<s>"),
            ["eos_token"] = Token("</s>"),
            ["pad_token"] = Token(BpeVocabulary.Pad),
            ["unk_token"] = Token("<unk>"),
        });
        Save("added_tokens.json", new JsonObject
        {
            [BpeVocabulary.Image] = vocabulary.ImageId,
            [BpeVocabulary.Pad] = vocabulary.PadId,
        });
        Save("chat_template.json", new JsonObject
        {
            ["chat_template"] =
                "{% for m in messages %}{% if m.role != 'system' %}{{ m.role.upper() + ': ' }}{% endif %}"
                + "{% for c in m.content if c.type == 'image' %}{{ '<image>\n' }}{% endfor %}"
                + "{% for c in m.content if c.type == 'text' %}{{ c.text + ' ' }}{% endfor %}{% endfor %}"
                + "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}",
        });

        void Save(string file, JsonObject json) => File.WriteAllText(Path.Combine(folder, file), json.ToJsonString(Indented) + "\n");
    }

    private static JsonObject Tokenizer(BpeVocabulary vocabulary) => new()
    {
        ["version"] = "1.0",
        ["truncation"] = null,
        ["padding"] = null,
        ["added_tokens"] = new JsonArray([.. vocabulary.Special.Select(t => (JsonNode)Token(t.Text, t.Id, special: true))]),
        ["normalizer"] = null,
        ["pre_tokenizer"] = new JsonObject
        {
            ["type"] = "Metaspace",
            ["replacement"] = BpeVocabulary.Mark.ToString(),
            ["prepend_scheme"] = "first",
            ["split"] = false,
        },
        ["post_processor"] = new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = new JsonArray(Part("SpecialToken", "<s>", 0), Part("Sequence", "A", 0)),
            ["pair"] = new JsonArray(
                Part("SpecialToken", "<s>", 0), Part("Sequence", "A", 0), Part("SpecialToken", "<s>", 1), Part("Sequence", "B", 1)),
            ["special_tokens"] = new JsonObject
            {
                ["<s>"] = new JsonObject { ["id"] = "<s>", ["ids"] = new JsonArray(1), ["tokens"] = new JsonArray("<s>") },
            },
        },
        ["decoder"] = new JsonObject
        {
            ["type"] = "Sequence",
            ["decoders"] = new JsonArray(
                new JsonObject
                {
                    ["type"] = "Replace",
                    ["pattern"] = new JsonObject { ["String"] = BpeVocabulary.Mark.ToString() },
                    ["content"] = " ",
                },
                new JsonObject { ["type"] = "ByteFallback" },
                new JsonObject { ["type"] = "Fuse" },
                new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 }),
        },
        ["model"] = new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = "<unk>",
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = true,
            ["byte_fallback"] = true,
            ["ignore_merges"] = false,
            ["vocab"] = new JsonObject(vocabulary.Pieces.Select((piece, id) => KeyValuePair.Create(piece, (JsonNode?)id))),
            ["merges"] = new JsonArray([.. vocabulary.Merges.Select(m => (JsonNode)new JsonArray(m.Left, m.Right))]),
        },
    };

    private static JsonObject Configuration(BpeVocabulary vocabulary, int context) => new()
    {
        ["added_tokens_decoder"] = new JsonObject(vocabulary.Special.Select(
            t => KeyValuePair.Create(t.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), (JsonNode?)Token(t.Text, special: true)))),
        ["additional_special_tokens"] = new JsonArray(BpeVocabulary.Image),
        ["bos_token"] = "<s>",
        ["clean_up_tokenization_spaces"] = false,
        ["eos_token"] = "</s>",
        ["model_max_length"] = context,
        ["pad_token"] = BpeVocabulary.Pad,
        ["padding_side"] = "left",
        ["processor_class"] = "LlavaNextProcessor",
        ["tokenizer_class"] = "PreTrainedTokenizerFast",
        ["unk_token"] = "<unk>",
    };

    private static JsonObject Token(string text, int? id = null, bool? special = null)
    {
        var token = new JsonObject();
        if (id is not null)
        {
            token["id"] = id;
        }

        token["content"] = text;
        foreach (var flag in (string[])["single_word", "lstrip", "rstrip", "normalized"])
        {
            token[flag] = false;
        }

        if (special is not null)
        {
            token["special"] = special;
        }

        return token;
    }

    private static JsonObject Part(string kind, string id, int type) => new() { [kind] = new JsonObject { ["id"] = id, ["type_id"] = type } };
}
