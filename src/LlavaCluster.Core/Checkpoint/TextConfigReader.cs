namespace LlavaCluster.Core.Checkpoint;

/// <summary>The language model's numbers, with the defaults of LlamaConfig and MistralConfig (transformers).</summary>
internal static class TextConfigReader
{
    /// <summary>Reads them.</summary>
    /// <param name="text">The object that holds them: <c>text_config</c>, or the root in the original layout.</param>
    /// <param name="root">The root, for keys that older files keep there.</param>
    /// <param name="modelType">llama or mistral.</param>
    public static TextConfig Read(ConfigObject text, ConfigObject root, string modelType)
    {
        var mistral = modelType == "mistral";
        text.OneOf("hidden_act", "silu", "silu");
        text.Only("attention_bias", false);
        text.Only("mlp_bias", false);

        var hidden = text.Size("hidden_size", 4096);
        var heads = text.Size("num_attention_heads", 32);
        var kvHeads = KvHeads(text, heads, mistral);
        return new TextConfig
        {
            ModelType = modelType,
            Hidden = hidden,
            Intermediate = text.Size("intermediate_size", mistral ? 14336 : 11008),
            Layers = text.Size("num_hidden_layers", 32),
            Heads = heads,
            KvHeads = kvHeads,
            HeadDim = HeadDim(text, hidden, heads),
            VocabularySize = text.Size("vocab_size", root.FindInt("vocab_size") ?? 32000),
            MaxPositions = text.Size("max_position_embeddings", mistral ? 131072 : 2048),
            RmsEps = text.Positive("rms_norm_eps", 1e-6),
            RopeTheta = RopeTheta(text),
            SlidingWindow = mistral ? SlidingWindow(text) : null,
            TieEmbeddings = text.Flag("tie_word_embeddings", root.Flag("tie_word_embeddings", false)),
        };
    }

    /// <summary>An explicit null means one per query head; absent means the class default.</summary>
    private static int KvHeads(ConfigObject text, int heads, bool mistral)
    {
        var kvHeads = text.Size("num_key_value_heads", text.Has("num_key_value_heads") || !mistral ? heads : 8);
        return heads % kvHeads == 0
            ? kvHeads
            : throw text.Refuse(
                $"{text.Path("num_attention_heads")} {heads} is not a multiple of {text.Path("num_key_value_heads")} {kvHeads}.");
    }

    private static int HeadDim(ConfigObject text, int hidden, int heads)
    {
        if (!text.HasValue("head_dim") && hidden % heads != 0)
        {
            throw text.Refuse($"{text.Path("hidden_size")} {hidden} is not a multiple of {text.Path("num_attention_heads")} {heads}.");
        }

        var headDim = text.Size("head_dim", hidden / heads);
        return headDim % 2 == 0
            ? headDim
            : throw text.Refuse($"heads are {headDim} wide; rotary embeddings need an even width (head_dim, or hidden_size / num_attention_heads).");
    }

    /// <summary>Older files: <c>rope_theta</c> and <c>rope_scaling</c>; newer ones: both inside <c>rope_parameters</c>.</summary>
    private static double RopeTheta(ConfigObject text)
    {
        RefuseScaling(text, "rope_scaling");
        RefuseScaling(text, "rope_parameters");
        var otherwise = text.Positive("rope_theta", 10000);
        return text.Object("rope_parameters")?.Positive("rope_theta", otherwise) ?? otherwise;
    }

    private static void RefuseScaling(ConfigObject text, string key)
    {
        if (text.Object(key) is not { } rope)
        {
            return;
        }

        var type = rope.Text("rope_type") ?? rope.Text("type") ?? (rope.Has("factor") ? "unnamed" : "default");
        if (type != "default" || rope.Positive("partial_rotary_factor", 1) != 1)
        {
            throw text.Refuse(key, "null: rotary embeddings without scaling");
        }
    }

    /// <summary>MistralConfig's window is 4096 unless the file says otherwise; an explicit null turns it off.</summary>
    private static int? SlidingWindow(ConfigObject text) =>
        text.Has("sliding_window") && !text.HasValue("sliding_window") ? null : text.Size("sliding_window", 4096);
}
