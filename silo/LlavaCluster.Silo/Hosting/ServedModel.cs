using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Hosting;

/// <summary>A checkpoint folder without its weights: numbers, tokenizer, template. Immutable: any thread.</summary>
internal sealed class ServedModel
{
    /// <summary>A model of so few numbers is computed exactly: it is fast and light in any form.</summary>
    private const long SmallModel = 50_000_000;

    /// <summary>Name of the checkpoint that comes with the program.</summary>
    public const string Tiny = "tiny";

    private readonly Lazy<string> _id;

    private ServedModel(string folder, string name, LlavaConfig config, ITokenizer tokenizer, ChatTemplate template)
    {
        (Folder, Name, Config, Tokenizer, Template) = (folder, name, config, tokenizer, template);
        Prompts = PromptsBy(template);
        _id = new(() => CheckpointId.Of(folder));
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>What its files hold: see <see cref="CheckpointId"/>.</summary>
    public string Id => _id.Value;

    /// <summary>The folder's name.</summary>
    public string Name { get; }

    /// <summary>Its numbers.</summary>
    public LlavaConfig Config { get; }

    /// <summary>Its tokenizer.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>The template in use.</summary>
    public ChatTemplate Template { get; }

    /// <summary>Messages to ids, by the template in use.</summary>
    public PromptBuilder Prompts { get; }

    /// <summary>Folder of the checkpoints that come with the program.</summary>
    public static string ShippedModels => Path.Combine(AppContext.BaseDirectory, "models");

    /// <summary>Reads the folder's small files.</summary>
    /// <exception cref="BadCheckpointException">The folder cannot be served.</exception>
    /// <exception cref="UserErrorException">No template of that name.</exception>
    public static ServedModel Open(ModelOptions options)
    {
        var folder = options.Model == Tiny ? Path.Combine(ShippedModels, Tiny) : options.Model;
        var config = LlavaConfigReader.Read(folder);
        var tokenizer = TokenizerFiles.Load(folder);
        var template = options.Template is { } name ? TemplateOf(name) : ChatTemplate.Choose(folder, config, tokenizer);
        return new ServedModel(
            folder,
            Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))),
            config,
            tokenizer,
            template);
    }

    /// <summary>The same model, which sees of each picture the base tile alone.</summary>
    /// <exception cref="UserErrorException">It sees no more anyway.</exception>
    public ServedModel WithBaseTileOnly() => Config.Images.Mode == ImageMode.AnyRes
        ? new ServedModel(
            Folder, Name, Config with { Images = Config.Images with { Mode = ImageMode.BaseTile } }, Tokenizer, Template)
        : throw new UserErrorException($"{Name} sees every picture in one tile; --base-tile-only is for LLaVA-NeXT.");

    /// <summary>The template of a name.</summary>
    /// <exception cref="UserErrorException">There is none.</exception>
    public static ChatTemplate TemplateOf(string name) => ChatTemplate.Names.Contains(name)
        ? ChatTemplate.Parse(name)
        : throw new UserErrorException(
            $"No chat template is called '{name}'. There are {string.Join(", ", ChatTemplate.Names)}.");

    /// <summary>Messages to ids, by another template than the one in use.</summary>
    public PromptBuilder PromptsBy(ChatTemplate template) => new(Tokenizer, template, Config.ImageTokenId);

    /// <summary>
    /// The number form to compute in: the one asked for; for <c>auto</c> float32 where most of the weights are stored
    /// so or the model is small, else bfloat16.
    /// </summary>
    /// <exception cref="BadCheckpointException">The weights' headers cannot be read.</exception>
    public string ComputeType(string asked)
    {
        if (asked != "auto")
        {
            return asked;
        }

        var tensors = CheckpointFolder.Open(Folder).Tensors.Select(t => t.Tensor).ToArray();
        var single = tensors.Where(t => t.Type == "F32").Sum(t => t.Length);
        var elements = tensors.Sum(t => t.Length / t.ElementSize);
        return single * 2 > tensors.Sum(t => t.Length) || elements <= SmallModel ? "float32" : "bfloat16";
    }
}
