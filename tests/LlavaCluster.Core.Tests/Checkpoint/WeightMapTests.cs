using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Checkpoint;

public sealed class WeightMapTests : IDisposable
{
    private const string Down = "language_model.model.layers.0.mlp.down_proj.weight";

    private readonly CheckpointBuilder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("vicuna")]
    [InlineData("mistral")]
    [InlineData("yi")]
    [InlineData("llava15")]
    [InlineData("vicuna-original")]
    [InlineData("mistral-original")]
    public void Check_GoldenCheckpoint_FitsItsConfig(string checkpoint)
    {
        var folder = GoldenFolder.Of("checkpoints", checkpoint);
        new WeightMap(CheckpointFolder.Open(folder), LlavaConfigReader.Read(folder)).Check(WeightRoles.All);
    }

    [Theory]
    [InlineData("model.language_model.", "lm_head.", "model.vision_tower.vision_model.", "model.multi_modal_projector.linear_1.", "model.multi_modal_projector.linear_2.", "model.image_newline")]
    [InlineData("model.language_model.", "lm_head.", "model.vision_tower.", "model.multi_modal_projector.linear_1.", "model.multi_modal_projector.linear_2.", "model.image_newline")]
    [InlineData("model.", "lm_head.", "model.vision_tower.vision_tower.vision_model.", "model.mm_projector.0.", "model.mm_projector.2.", "model.image_newline")]
    public void Check_EveryLayoutOfNames_IsFound(string language, string head, string vision, string first, string second, string newline)
    {
        (string Ours, string Theirs)[] prefixes =
        [
            ("language_model.", language), ("lm_head.", head), ("vision_tower.", vision),
            ("multi_modal_projector.linear_1.", first), ("multi_modal_projector.linear_2.", second), ("image_newline", newline),
        ];
        Write(TensorCatalog.Of(_folder.Read()).Select(e =>
        {
            var (ours, theirs) = prefixes.Single(p => e.Name.StartsWith(p.Ours, StringComparison.Ordinal));
            return (theirs + e.Name[ours.Length..], "BF16", e.Shape);
        }));
        Map().Check(WeightRoles.All);
    }

    [Fact]
    public void Check_MissingTensors_AreListed()
    {
        Write(_folder.Tensors().Where(t => t.Name != Down && t.Name != "image_newline"));
        Assert.Equal(
            $"{_folder.Folder}: the weights do not fit config.json. 2 tensors are missing: image_newline, language_model.layers.0.mlp.down_proj.weight.",
            Refusal());
    }

    [Fact]
    public void Check_ManyMissingTensors_AreCounted()
    {
        Write(_folder.Tensors().Where(t => !t.Name.StartsWith("vision_tower", StringComparison.Ordinal)));
        Assert.Equal(
            $"{_folder.Folder}: the weights do not fit config.json. 21 tensors are missing: vision_tower.embeddings.class_embedding, vision_tower.embeddings.patch_embedding.weight, "
            + "vision_tower.embeddings.position_embedding.weight, vision_tower.pre_layrnorm.weight, vision_tower.pre_layrnorm.bias, vision_tower.encoder.layers.0.layer_norm1.weight, "
            + "vision_tower.encoder.layers.0.layer_norm1.bias, vision_tower.encoder.layers.0.self_attn.q_proj.weight, vision_tower.encoder.layers.0.self_attn.q_proj.bias, "
            + "vision_tower.encoder.layers.0.self_attn.k_proj.weight and 11 more. "
            + "The folder has no vision tower at all: save the one that the model was trained with among its weights.",
            Refusal());
    }

    [Fact]
    public void Check_PartThatIsNotNeeded_MayBeMissing()
    {
        Write(_folder.Tensors().Where(t => !t.Name.StartsWith("vision_tower", StringComparison.Ordinal)));
        Map().Check(WeightRoles.Language | WeightRoles.Projector);
    }

    [Fact]
    public void Check_UnknownTensors_AreListed()
    {
        Write([.. _folder.Tensors(), ("language_model.model.layers.0.self_attn.q_proj.bias", "F16", [8L]), ("extra", "F16", [1L])]);
        Assert.Equal(
            $"{_folder.Folder}: the weights do not fit config.json. 2 tensors are unknown: language_model.model.layers.0.self_attn.q_proj.bias, extra.",
            Refusal());
    }

    [Fact]
    public void Check_WrongShape_ShowsBoth()
    {
        Write(_folder.Tensors().Select(t => t.Name == Down ? (t.Name, t.Type, [12L, 8L]) : t));
        Assert.Equal(
            $"{_folder.Folder}: the weights do not fit config.json. 1 tensor is of another shape: language_model.layers.0.mlp.down_proj.weight (expected [8, 12], file has [12, 8]).",
            Refusal());
    }

    [Fact]
    public void Check_QuantisedTensor_IsNamed()
    {
        Write(_folder.Tensors().Select(t => t.Name == Down ? (t.Name, "F8_E4M3", t.Shape) : t));
        Assert.Equal(
            $"{_folder.Folder}: the weights do not fit config.json. 1 tensor is of another type than F16, BF16, F32: language_model.layers.0.mlp.down_proj.weight (F8_E4M3).",
            Refusal());
    }

    [Fact]
    public void Check_LeftoversOfPublishedFiles_AreKnown()
    {
        Write([
            .. _folder.Tensors(),
            ("language_model.model.layers.0.self_attn.rotary_emb.inv_freq", "F32", [2L]),
            ("vision_tower.vision_model.embeddings.position_ids", "I64", [1L, 5L]),
        ]);
        Map().Check(WeightRoles.All);
    }

    [Fact]
    public void Check_LayersPastTheFeatureLayer_MayBeThereOrNot()
    {
        Assert.Contains(_folder.Tensors(), t => t.Name.Contains("encoder.layers.1."));
        Write(_folder.Tensors().Where(t => !t.Name.Contains("encoder.layers.1.") && !t.Name.Contains("post_layernorm")));
        Map().Check(WeightRoles.All);
    }

    [Fact]
    public void Find_TiedOutputLayerThatIsAbsent_IsTheEmbedding()
    {
        _folder.Text["tie_word_embeddings"] = true;
        Write(_folder.Tensors().Where(t => !t.Name.Contains("lm_head")));
        var map = Map();

        map.Check(WeightRoles.All);
        Assert.Equal("language_model.model.embed_tokens.weight", map.Find(TensorCatalog.OutputLayer)!.Tensor.Name);
    }

    [Fact]
    public void Open_SameTensorInTwoLayouts_IsRefused()
    {
        Write([.. _folder.Tensors(), ("model.image_newline", "F16", [8L])]);
        Assert.Equal(
            $"{_folder.Folder}: 'image_newline' and 'model.image_newline' are the same tensor in two layouts of names. Remove one.", Refusal());
    }

    private void Write(IEnumerable<(string Name, string Type, long[] Shape)> tensors) => _folder.WriteTensors("model.safetensors", tensors);

    private WeightMap Map() => new(CheckpointFolder.Open(_folder.Folder), _folder.Read());

    private string Refusal() => Assert.Throws<BadCheckpointException>(() => Map().Check(WeightRoles.All)).Message;
}
