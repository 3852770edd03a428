using System.Text.Json.Nodes;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Checkpoint;

public sealed class LlavaConfigReaderTests : IDisposable
{
    private static readonly (int, int)[] Published = [(336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008)];

    private readonly CheckpointBuilder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_GoldenVicuna_HasFileAndDefaults()
    {
        var config = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", "vicuna"));

        Assert.Equal((LlavaKind.LlavaNext, CheckpointLayout.HuggingFace), (config.Kind, config.Layout));
        Assert.Equal(
            new TextConfig
            {
                ModelType = "llama",
                Hidden = 64,
                Intermediate = 176,
                Layers = 3,
                Heads = 4,
                KvHeads = 4,
                HeadDim = 16,
                VocabularySize = 2048,
                MaxPositions = 4096,
                RmsEps = 1e-5,
                RopeTheta = 10000,
            },
            config.Text);
        Assert.Equal(
            new VisionConfig
            {
                Hidden = 32,
                Intermediate = 96,
                Layers = 4,
                Heads = 2,
                ImageSide = 336,
                PatchSide = 14,
                LayerNormEps = 1e-5,
                Activation = "quick_gelu",
                LayersUsed = 3,
            },
            config.Vision);
        Assert.Equal((2000, true, "float16"), (config.ImageTokenId, config.ProjectorBias, config.StoredType));
        Assert.Equal([2], config.EosIds);
        Assert.Equal((ImageMode.AnyRes, PinpointOrder.HeightWidth, 336, 14),
            (config.Images.Mode, config.Images.Order, config.Images.TileSide, config.Images.PatchSide));
        Assert.Equal(Published, config.Images.Pinpoints);
        Assert.Equal([0.48145466f, 0.4578275f, 0.40821073f], config.Images.Mean);
        Assert.Equal([0.26862954f, 0.26130258f, 0.27577711f], config.Images.Std);
    }

    [Fact]
    public void Read_GoldenMistral_TakesNullForNoWindow()
    {
        var config = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", "mistral"));

        Assert.Equal("mistral", config.Text.ModelType);
        Assert.Null(config.Text.SlidingWindow);
        Assert.Equal((2, 16, 1e6, 32768), (config.Text.KvHeads, config.Text.HeadDim, config.Text.RopeTheta, config.Text.MaxPositions));
    }

    [Fact]
    public void Read_GoldenYi_EndsOnItsOwnId()
    {
        var config = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", "yi"));

        Assert.Equal([7], config.EosIds);
        Assert.Equal((14, 2, 8, 2048), (config.Text.Heads, config.Text.KvHeads, config.Text.HeadDim, config.ImageTokenId));
    }

    [Fact]
    public void Read_GoldenLlava15_IsOneTile()
    {
        var config = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", "llava15"));

        Assert.Equal((LlavaKind.Llava15, ImageMode.CentreCrop), (config.Kind, config.Images.Mode));
        Assert.Empty(config.Images.Pinpoints);
    }

    [Theory]
    [InlineData("vicuna-original", "llama", 4)]
    [InlineData("mistral-original", "mistral", 2)]
    public void Read_GoldenOriginal_PutsTheImageTokenPastTheVocabulary(string checkpoint, string modelType, int kvHeads)
    {
        var config = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", checkpoint));

        Assert.Equal((LlavaKind.LlavaNext, CheckpointLayout.Original), (config.Kind, config.Layout));
        Assert.Equal((modelType, kvHeads), (config.Text.ModelType, config.Text.KvHeads));
        Assert.Equal((2000, 2000), (config.Text.VocabularySize, config.ImageTokenId));
        Assert.Equal((ImageMode.AnyRes, PinpointOrder.WidthHeight), (config.Images.Mode, config.Images.Order));
        Assert.Equal(Published, config.Images.Pinpoints);
        Assert.Equal((32, 3), (config.Vision.Hidden, config.Vision.LayersUsed));
    }

    [Fact]
    public void Read_EmptyTextConfig_IsLlama7B()
    {
        _folder.Config["text_config"] = new JsonObject();
        Assert.Equal(
            new TextConfig
            {
                ModelType = "llama",
                Hidden = 4096,
                Intermediate = 11008,
                Layers = 32,
                Heads = 32,
                KvHeads = 32,
                HeadDim = 128,
                VocabularySize = 32000,
                MaxPositions = 2048,
                RmsEps = 1e-6,
                RopeTheta = 10000,
            },
            _folder.Read().Text);
    }

    [Fact]
    public void Read_EmptyMistralConfig_HasItsWindow()
    {
        _folder.Config["text_config"] = new JsonObject { ["model_type"] = "mistral" };
        Assert.Equal(
            new TextConfig
            {
                ModelType = "mistral",
                Hidden = 4096,
                Intermediate = 14336,
                Layers = 32,
                Heads = 32,
                KvHeads = 8,
                HeadDim = 128,
                VocabularySize = 32000,
                MaxPositions = 131072,
                RmsEps = 1e-6,
                RopeTheta = 10000,
                SlidingWindow = 4096,
            },
            _folder.Read().Text);
    }

    [Fact]
    public void Read_NoVisionConfig_IsTheTowerOfLlava()
    {
        _folder.Config.Remove("vision_config");
        _folder.Config.Remove("image_grid_pinpoints");
        var config = _folder.Read();

        Assert.Equal((1024, 4096, 24, 16, 336, 14, 23), (config.Vision.Hidden, config.Vision.Intermediate, config.Vision.Layers,
            config.Vision.Heads, config.Vision.ImageSide, config.Vision.PatchSide, config.Vision.LayersUsed));
        Assert.Equal(Published, config.Images.Pinpoints);
    }

    [Theory]
    [InlineData(-2, 1)]
    [InlineData(-1, 2)]
    [InlineData(-3, 0)]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    public void Read_FeatureLayer_CountsHiddenStates(int layer, int layersUsed)
    {
        _folder.Config["vision_feature_layer"] = layer;
        Assert.Equal(layersUsed, _folder.Read().Vision.LayersUsed);
    }

    [Fact]
    public void Read_NewerKeys_MeanTheSame()
    {
        _folder.Config.Remove("image_token_index");
        _folder.Config["image_token_id"] = 29;
        _folder.Config["dtype"] = "bfloat16";
        _folder.Text["rope_parameters"] = JsonNode.Parse("""{"rope_theta": 500000.0, "rope_type": "default"}""");
        _folder.Text["rope_scaling"] = null;
        _folder.Write("processor_config.json", """{"image_processor": {"image_mean": [0.5, 0.5, 0.25]}}""");
        var config = _folder.Read();

        Assert.Equal((29, "bfloat16", 500000.0), (config.ImageTokenId, config.StoredType, config.Text.RopeTheta));
        Assert.Equal([0.5f, 0.5f, 0.25f], config.Images.Mean);
    }

    [Fact]
    public void Read_OldTopLevelKeys_FillWhatTextConfigLeavesOut()
    {
        _folder.Text.Remove("vocab_size");
        _folder.Config["vocab_size"] = 48;
        _folder.Config["tie_word_embeddings"] = true;
        _folder.Config["ignore_index"] = -100;
        var config = _folder.Read();

        Assert.Equal((48, true), (config.Text.VocabularySize, config.Text.TieEmbeddings));
    }

    [Theory]
    [InlineData("""{"eos_token_id": [5, 6]}""", 7, 8, new[] { 5, 6 })]
    [InlineData("""{"eos_token_id": 5}""", 7, 8, new[] { 5 })]
    [InlineData("""{"eos_token_id": null}""", 7, 8, new[] { 7 })]
    [InlineData("""{}""", null, 8, new[] { 8 })]
    [InlineData(null, null, null, new[] { 2 })]
    public void Read_EosIds_ComeFromTheFirstPlaceThatHasThem(string? generation, int? text, int? root, int[] expected)
    {
        if (generation is not null)
        {
            _folder.Write("generation_config.json", generation);
        }

        _folder.Text["eos_token_id"] = text;
        _folder.Config["eos_token_id"] = root;
        Assert.Equal(expected, _folder.Read().EosIds);
    }

    [Fact]
    public void Read_PinpointsOfTheBlog_AreTaken()
    {
        _folder.Config["image_grid_pinpoints"] = JsonNode.Parse("[[4, 16], [16, 4]]");
        Assert.Equal([(4, 16), (16, 4)], _folder.Read().Images.Pinpoints);
    }

    [Fact]
    public void Read_PinpointsOfThePreprocessorAlone_AreTaken()
    {
        _folder.Config.Remove("image_grid_pinpoints");
        _folder.Write("preprocessor_config.json", """{"image_grid_pinpoints": [[8, 8]], "crop_size": 4, "size": {"shortest_edge": 4}}""");
        Assert.Equal([(8, 8)], _folder.Read().Images.Pinpoints);
    }

    [Fact]
    public void Read_Llava15ProcessorThatPads_PadsToSquare()
    {
        _folder.Config["model_type"] = "llava";
        _folder.Write("preprocessor_config.json", """{"image_processor_type": "LlavaImageProcessorFast", "do_pad": true}""");
        Assert.Equal(ImageMode.PadToSquare, _folder.Read().Images.Mode);
    }

    [Theory]
    [InlineData("pad", ImageMode.PadToSquare)]
    [InlineData("square", ImageMode.CentreCrop)]
    [InlineData(null, ImageMode.CentreCrop)]
    public void Read_OriginalLlava15_SaysHowToCut(string? aspect, ImageMode mode)
    {
        _folder.Config = Original();
        _folder.Config["image_aspect_ratio"] = aspect;
        var config = _folder.Read();

        Assert.Equal((LlavaKind.Llava15, CheckpointLayout.Original, mode), (config.Kind, config.Layout, config.Images.Mode));
        Assert.Equal((1024, 336, 14, 23), (config.Vision.Hidden, config.Vision.ImageSide, config.Vision.PatchSide, config.Vision.LayersUsed));
    }

    [Theory]
    [InlineData("model_type", "\"qwen2_vl\"", "config.json: model_type is \"qwen2_vl\"; LlavaCluster takes \"llava_next\" or \"llava\".")]
    [InlineData("model_type", null, "config.json: model_type is missing; LlavaCluster takes \"llava_next\" or \"llava\".")]
    [InlineData("text_config.model_type", "\"qwen2\"", "config.json: text_config.model_type is \"qwen2\"; LlavaCluster takes \"llama\" or \"mistral\".")]
    [InlineData("vision_feature_select_strategy", "\"full\"", "config.json: vision_feature_select_strategy is \"full\"; LlavaCluster takes \"default\".")]
    [InlineData("vision_feature_layer", "[-2, -5]", "config.json: vision_feature_layer is [-2,-5]; LlavaCluster takes one whole number from -3 to 2 (of 2 layers).")]
    [InlineData("vision_feature_layer", "-4", "config.json: vision_feature_layer is -4; LlavaCluster takes one whole number from -3 to 2 (of 2 layers).")]
    [InlineData("projector_hidden_act", "\"relu\"", "config.json: projector_hidden_act is \"relu\"; LlavaCluster takes \"gelu\".")]
    [InlineData("text_config.hidden_act", "\"gelu\"", "config.json: text_config.hidden_act is \"gelu\"; LlavaCluster takes \"silu\".")]
    [InlineData("text_config.attention_bias", "true", "config.json: text_config.attention_bias is true; LlavaCluster takes false.")]
    [InlineData("text_config.rope_scaling", "{\"type\": \"linear\", \"factor\": 2.0}", "config.json: text_config.rope_scaling is {\"type\":\"linear\",\"factor\":2.0}; LlavaCluster takes null: rotary embeddings without scaling.")]
    [InlineData("text_config.rope_parameters", "{\"rope_type\": \"yarn\"}", "config.json: text_config.rope_parameters is {\"rope_type\":\"yarn\"}; LlavaCluster takes null: rotary embeddings without scaling.")]
    [InlineData("text_config.hidden_size", "0", "config.json: text_config.hidden_size is 0; LlavaCluster takes a whole number from 1 to 16,777,216.")]
    [InlineData("text_config.hidden_size", "\"8\"", "config.json: text_config.hidden_size is \"8\"; LlavaCluster takes a whole number.")]
    [InlineData("text_config.rms_norm_eps", "-1", "config.json: text_config.rms_norm_eps is -1; LlavaCluster takes a number above 0.")]
    [InlineData("text_config.num_attention_heads", "3", "config.json: text_config.hidden_size 8 is not a multiple of text_config.num_attention_heads 3.")]
    [InlineData("text_config.num_attention_heads", "8", "config.json: heads are 1 wide; rotary embeddings need an even width (head_dim, or hidden_size / num_attention_heads).")]
    [InlineData("text_config.num_key_value_heads", "4", "config.json: text_config.num_attention_heads 2 is not a multiple of text_config.num_key_value_heads 4.")]
    [InlineData("vision_config.model_type", "\"siglip_vision_model\"", "config.json: vision_config.model_type is \"siglip_vision_model\"; LlavaCluster takes \"clip_vision_model\".")]
    [InlineData("vision_config.hidden_act", "\"relu\"", "config.json: vision_config.hidden_act is \"relu\"; LlavaCluster takes \"quick_gelu\" or \"gelu\".")]
    [InlineData("vision_config.num_attention_heads", "3", "config.json: vision_config.hidden_size 4 is not a multiple of vision_config.num_attention_heads 3.")]
    [InlineData("vision_config.patch_size", "5", "config.json: vision_config.patch_size 5 is larger than vision_config.image_size 4.")]
    [InlineData("image_grid_pinpoints", "[[4, 6]]", "config.json: image_grid_pinpoints is [[4,6]]; LlavaCluster takes a list of pairs that are multiples of the tile's side, 4.")]
    [InlineData("image_grid_pinpoints", "[]", "config.json: image_grid_pinpoints is []; LlavaCluster takes a list of pairs that are multiples of the tile's side, 4.")]
    [InlineData("image_token_index", "-1", "config.json: image_token_index is -1; LlavaCluster takes a token id of 0 or more.")]
    public void Read_WhatCannotBeServed_IsRefusedByName(string path, string? json, string message)
    {
        var place = path.Split('.') is [var outer, _] ? _folder.Config[outer]!.AsObject() : _folder.Config;
        if (json is null)
        {
            place.Remove(path);
        }
        else
        {
            place[path.Split('.')[^1]] = JsonNode.Parse(json);
        }

        Assert.Equal(message, _folder.Refusal());
    }

    [Theory]
    [InlineData("mm_projector_type", "\"linear\"", "config.json: mm_projector_type is \"linear\"; LlavaCluster takes \"mlp2x_gelu\".")]
    [InlineData("mm_vision_select_feature", "\"cls_patch\"", "config.json: mm_vision_select_feature is \"cls_patch\"; LlavaCluster takes \"patch\".")]
    [InlineData("mm_vision_select_layer", "null", "config.json: mm_vision_select_layer is missing; LlavaCluster takes one whole number, -2 in published files.")]
    [InlineData("mm_vision_tower", "\"google/siglip-so400m\"", "config.json: mm_vision_tower is \"google/siglip-so400m\"; LlavaCluster takes \"openai/clip-vit-large-patch14-336\", or a vision_config block with the tower's numbers.")]
    [InlineData("mm_use_im_start_end", "true", "config.json: mm_use_im_start_end is true; LlavaCluster takes false.")]
    [InlineData("mm_hidden_size", "768", "config.json: mm_hidden_size is 768; LlavaCluster takes the width of the vision tower, 1024.")]
    [InlineData("image_aspect_ratio", "\"anyres_max_9\"", "config.json: image_aspect_ratio is \"anyres_max_9\"; LlavaCluster takes \"anyres\" or \"pad\" or \"square\".")]
    [InlineData("image_aspect_ratio", "\"anyres\"", "config.json: mm_patch_merge_type is missing; LlavaCluster takes \"spatial_unpad\".")]
    public void Read_OriginalThatCannotBeServed_IsRefusedByName(string key, string json, string message)
    {
        _folder.Config = Original();
        _folder.Config[key] = JsonNode.Parse(json);
        Assert.Equal(message, _folder.Refusal());
    }

    [Theory]
    [InlineData("""{"crop_size": {"height": 8, "width": 8}}""", "preprocessor_config.json: crop_size is {\"height\": 8, \"width\": 8}; LlavaCluster takes 4, the image_size of the vision tower.")]
    [InlineData("""{"size": 224}""", "preprocessor_config.json: size is 224; LlavaCluster takes 4, the image_size of the vision tower.")]
    [InlineData("""{"resample": 2}""", "preprocessor_config.json: resample is 2; LlavaCluster takes 3 (bicubic).")]
    [InlineData("""{"do_normalize": false}""", "preprocessor_config.json: do_normalize is false; LlavaCluster takes true.")]
    [InlineData("""{"image_mean": [0.5, 0.5]}""", "preprocessor_config.json: image_mean is [0.5, 0.5]; LlavaCluster takes three numbers, of red, green and blue.")]
    [InlineData("""{"image_std": [0.5, 0, 0.5]}""", "preprocessor_config.json: image_std is [0.5, 0, 0.5]; LlavaCluster takes three numbers, of red, green and blue.")]
    [InlineData("""{"image_grid_pinpoints": [[8, 4], [4, 8]]}""", "config.json: image_grid_pinpoints is [[4, 8], [8, 4]], but preprocessor_config.json has [[8, 4], [4, 8]]. Tiles and packing would not fit each other: make both lists equal, in the same order.")]
    public void Read_PreprocessorThatCannotBeServed_IsRefusedByName(string preprocessor, string message)
    {
        _folder.Write("preprocessor_config.json", preprocessor);
        Assert.Equal(message, _folder.Refusal());
    }

    [Fact]
    public void Read_NoConfig_SaysWhatAFolderHas()
    {
        var thrown = Assert.Throws<BadCheckpointException>(() => LlavaConfigReader.Read(_folder.Folder));
        Assert.Equal(
            $"{_folder.Folder}/config.json: there is no such file. A checkpoint folder has config.json, *.safetensors and tokenizer files.",
            thrown.Message);
    }

    [Fact]
    public void Read_NoFolder_SaysWhatToName()
    {
        var thrown = Assert.Throws<BadCheckpointException>(() => LlavaConfigReader.Read(_folder.Folder + "/absent"));
        Assert.Equal(
            $"{_folder.Folder}/absent: there is no such folder. Name a checkpoint folder (config.json, *.safetensors, tokenizer files).",
            thrown.Message);
    }

    [Theory]
    [InlineData("{", "config.json: not JSON: ")]
    [InlineData("[1]", "config.json: is a JSON array; an object is needed.")]
    public void Read_ConfigThatIsNoObject_IsRefused(string text, string message)
    {
        _folder.Write("config.json", text);
        var thrown = Assert.Throws<BadCheckpointException>(() => LlavaConfigReader.Read(_folder.Folder));
        Assert.StartsWith($"{_folder.Folder}/{message}", thrown.Message);
    }

    private static JsonObject Original() => JsonNode.Parse("""
        {
          "architectures": ["LlavaLlamaForCausalLM"],
          "model_type": "llava",
          "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 32,
          "mm_hidden_size": 1024,
          "mm_projector_type": "mlp2x_gelu",
          "mm_vision_select_layer": -2,
          "mm_vision_select_feature": "patch",
          "mm_vision_tower": "openai/clip-vit-large-patch14-336"
        }
        """)!.AsObject();
}
