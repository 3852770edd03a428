using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Prompting.Templates;

namespace LlavaCluster.Core.Prompting;

/// <summary>What a conversation looks like to a family of language models.</summary>
public enum TemplateFamily
{
    /// <summary>USER: … ASSISTANT: …</summary>
    Vicuna,

    /// <summary>[INST] … [/INST]</summary>
    Mistral,

    /// <summary>&lt;|im_start|&gt;role … &lt;|im_end|&gt;</summary>
    ChatMl,
}

/// <summary>Whose rendering of a family: they differ in system texts, spaces and line ends.</summary>
public enum TemplateForm
{
    /// <summary>The chat templates published with Hugging Face checkpoints.</summary>
    HuggingFace,

    /// <summary>conversation.py of the original LLaVA project.</summary>
    Original,
}

/// <summary>How messages become one text. Immutable.</summary>
public abstract class ChatTemplate
{
    // System texts of llava/conversation.py: llava_v1 says human, vicuna_v1 says user.
    private static readonly string HumanSystem = SystemOf("human");
    private static readonly string UserSystem = SystemOf("user");

    private static readonly ChatTemplate[] All =
    [
        new VicunaTemplate("vicuna-hf", TemplateForm.HuggingFace, ""),
        new MistralTemplate("mistral-hf", TemplateForm.HuggingFace),
        new ChatMlTemplate("chatml-hf", TemplateForm.HuggingFace),
        new VicunaTemplate("vicuna-original", TemplateForm.Original, HumanSystem),
        new MistralTemplate("mistral-original", TemplateForm.Original),
        new ChatMlTemplate("chatml-original", TemplateForm.Original),
        new VicunaTemplate("vicuna_v1", TemplateForm.Original, UserSystem),
    ];

    // Names of the original project for templates above.
    private static readonly Dictionary<string, string> Aliases = new()
    {
        ["llava_v1"] = "vicuna-original",
        ["mistral_instruct"] = "mistral-original",
        ["chatml_direct"] = "chatml-original",
        ["mistral_direct"] = "chatml-original",
    };

    private protected ChatTemplate(string name, TemplateFamily family, TemplateForm form) => (Name, Family, Form) = (name, family, form);

    /// <summary>Every name that <see cref="Parse"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(t => t.Name), .. Aliases.Keys];

    /// <summary>Its name, such as <c>vicuna-hf</c>.</summary>
    public string Name { get; }

    /// <summary>The family.</summary>
    public TemplateFamily Family { get; }

    /// <summary>The form.</summary>
    public TemplateForm Form { get; }

    /// <summary>The template of a name.</summary>
    /// <exception cref="ArgumentException">No template has this name.</exception>
    public static ChatTemplate Parse(string name) => All.FirstOrDefault(t => t.Name == Aliases.GetValueOrDefault(name, name))
        ?? throw new ArgumentException($"No chat template is called \"{name}\". There are {string.Join(", ", Names)}.", nameof(name));

    /// <summary>
    /// The template of a checkpoint: by the text of its chat template where it has one, else by its layout, language model and tokens.
    /// </summary>
    /// <exception cref="BadCheckpointException">Its chat template is of no family known here.</exception>
    public static ChatTemplate Choose(string folder, LlavaConfig config, ITokenizer tokenizer)
    {
        var original = config.Layout == CheckpointLayout.Original;
        var text = original ? null : ChatTemplateFile.Read(folder);
        var family = text is not null ? ChatTemplateFile.Recognise(text, folder)
            : config.Text.ModelType == "mistral" ? TemplateFamily.Mistral
            : config.Text.VocabularySize == 64000 || tokenizer.FindSpecial("<|im_start|>") is not null ? TemplateFamily.ChatMl
            : TemplateFamily.Vicuna;
        return All.First(t => t.Family == family && t.Form == (original ? TemplateForm.Original : TemplateForm.HuggingFace));
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Writes a whole conversation up to the point where the model is to answer. There is at least one message.</summary>
    internal abstract void Render(TemplateWriter writer, IReadOnlyList<ChatMessage> messages);

    /// <summary>Writes what follows an answer's words: the end of its turn, the message, and the point where the model is to answer.</summary>
    internal abstract void RenderNextTurn(TemplateWriter writer, ChatMessage user);

    /// <summary>Writes the conversation's system text, or the default; gives the messages without it.</summary>
    private protected static IReadOnlyList<ChatMessage> SystemOr(TemplateWriter writer, IReadOnlyList<ChatMessage> messages, string absent)
    {
        if (messages[0].Role != ChatRole.System)
        {
            writer.Literal(absent);
            return messages;
        }

        writer.Content(messages[0]);
        return [.. messages.Skip(1)];
    }

    /// <summary>True for a message without pictures and words.</summary>
    private protected static bool IsEmpty(ChatMessage message) => message.Parts.All(p => p is ChatPart.Text { Value.Length: 0 });

    private static string SystemOf(string who) =>
        $"A chat between a curious {who} and an artificial intelligence assistant. "
        + $"The assistant gives helpful, detailed, and polite answers to the {who}'s questions.";
}
