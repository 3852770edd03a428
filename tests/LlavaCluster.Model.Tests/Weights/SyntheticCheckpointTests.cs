using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Weights;

public sealed class SyntheticCheckpointTests : IDisposable
{
    private static readonly SyntheticPreset Small = SyntheticPreset.Named("vicuna-7b") with
    {
        Hidden = 64,
        Intermediate = 160,
        Layers = 2,
        Heads = 4,
        KvHeads = 2,
        VocabularySize = 2048,
        VisionHidden = 32,
        VisionIntermediate = 96,
        VisionLayers = 3,
        VisionHeads = 2,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("synthetic-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_SmallPreset_LoadsAsItsDimensionsSay()
    {
        using var scope = NewDisposeScope();
        var written = SyntheticCheckpoint.Write(Path("a"), Options(Small));

        var config = LlavaConfigReader.Read(Path("a"));
        using var weights = new CheckpointWeights(Path("a"), config, CPU, ScalarType.BFloat16);
        weights.Check(WeightRoles.All);
        Assert.Equal((64, 160, 2, 4, 2, 16, 2048), (config.Text.Hidden, config.Text.Intermediate, config.Text.Layers, config.Text.Heads,
            config.Text.KvHeads, config.Text.HeadDim, config.Text.VocabularySize));
        Assert.Equal((32, 96, 3, 2, 2), (config.Vision.Hidden, config.Vision.Intermediate, config.Vision.Layers, config.Vision.Heads, config.Vision.LayersUsed));
        Assert.Equal((LlavaKind.LlavaNext, ImageMode.AnyRes, 336), (config.Kind, config.Images.Mode, config.Images.TileSide));
        Assert.Equal(2000, config.ImageTokenId);
        Assert.Equal(TensorCatalog.Of(config).Sum(e => 2 * e.Shape.Aggregate(1L, (product, size) => product * size)), written);
        Assert.True(weights.Read("language_model.norm.weight", [64]).eq(1).all().item<bool>());
        Assert.False(Directory.Exists(Path("a.partial")));
    }

    [Fact]
    public void Write_AnyNumberOfThreads_GivesTheSameBytes()
    {
        // Large enough for several pieces per tensor: the embedding has 8 MB.
        var preset = Small with { VocabularySize = 65536 + 3 };
        SyntheticCheckpoint.Write(Path("one"), Options(preset) with { Threads = 1, Seed = 5 });
        SyntheticCheckpoint.Write(Path("two"), Options(preset) with { Threads = 2, Seed = 5 });
        SyntheticCheckpoint.Write(Path("other"), Options(preset) with { Threads = 2, Seed = 6 });

        Assert.True(Bytes("one").SequenceEqual(Bytes("two")));
        Assert.False(Bytes("one").SequenceEqual(Bytes("other")));
    }

    [Theory]
    [InlineData("float16", 1e-2)]
    [InlineData("bfloat16", 1e-2)]
    [InlineData("float32", 1e-2)]
    public void Write_AnyType_GivesNormalWeights(string dtype, double tolerance)
    {
        using var scope = NewDisposeScope();
        SyntheticCheckpoint.Write(Path("a"), Options(Small) with { DType = dtype });
        var config = LlavaConfigReader.Read(Path("a"));
        using var weights = new CheckpointWeights(Path("a"), config, CPU, ScalarType.Float32);

        var embedding = weights.Read(TensorCatalog.Embedding, [2048, 64]);

        Assert.Equal(dtype, config.StoredType);
        Assert.InRange(embedding.mean().item<float>(), -tolerance, tolerance);
        Assert.InRange(embedding.std().item<float>(), 1 - tolerance, 1 + tolerance);
        Assert.InRange(embedding.abs().lt(1).to(ScalarType.Float32).mean().item<float>(), 0.6827 - tolerance, 0.6827 + tolerance);

        // Neighbours in a row, and rows, know nothing of each other.
        Assert.InRange((embedding[.., ..63] * embedding[.., 1..]).mean().item<float>(), -tolerance, tolerance);
        Assert.InRange((embedding[..2047] * embedding[1..]).mean().item<float>(), -tolerance, tolerance);
    }

    [Theory]
    [InlineData("vicuna-7b", 7.06e9)]
    [InlineData("vicuna-13b", 13.35e9)]
    [InlineData("mistral-7b", 7.57e9)]
    [InlineData("yi-34b", 34.75e9)]
    [InlineData("bench", 0.5769e9)]
    public void Named_EveryPreset_HasThePublishedSize(string name, double parameters)
    {
        var preset = SyntheticPreset.Named(name);
        SyntheticFiles.Write(_folder, preset, "bfloat16", GoldenFolder.Of("checkpoints", "vicuna"));

        var catalog = TensorCatalog.Of(LlavaConfigReader.Read(_folder));

        var counted = catalog.Sum(e => e.Shape.Aggregate(1.0, (product, size) => product * size));
        Assert.InRange(counted / parameters, 0.995, 1.005);
        var files = WeightFile.Cut(catalog, "BF16");
        Assert.All(files, f => Assert.InRange(f.Length - f.Header.Length, 1, 5_000_000_000));
        Assert.Equal(catalog.Select(e => e.Name), files.SelectMany(s => s.Entries).Select(e => e.Name));
    }

    [Fact]
    public void Write_Cancelled_LeavesNothing()
    {
        Assert.ThrowsAny<OperationCanceledException>(
            () => SyntheticCheckpoint.Write(Path("a"), Options(Small), cancellation: new CancellationToken(canceled: true)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public void Write_Progress_EndsAtTheTotal()
    {
        var progress = new RecordedProgress();
        SyntheticCheckpoint.Write(Path("a"), Options(Small), progress);
        var length = new FileInfo(System.IO.Path.Combine(Path("a"), "model.safetensors")).Length;

        Assert.Equal((length, length), progress.Reports[^1]);
        Assert.Equal(progress.Reports.OrderBy(r => r.Done), progress.Reports);
    }

    [Fact]
    public void Write_FolderInUse_IsRefused()
    {
        Directory.CreateDirectory(Path("a"));
        File.WriteAllText(Path("a/notes.txt"), "");
        Assert.Equal($"{Path("a")}: is not empty. Name a new folder, or remove what is there.", Refusal(Options(Small)));
    }

    [Fact]
    public void Write_MoreThanTheDiskHolds_SaysHowMuch()
    {
        var message = Refusal(Options(Small with { Layers = 1, Hidden = 1 << 20, VocabularySize = 1 << 24 }));
        Assert.Matches(@"GB are to be written, [\d,.]+ GB are free\. Free some space or name a folder on another disk\.$", message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public void Write_VocabularySmallerThanTheTokenizer_IsRefused()
    {
        Assert.Equal(
            $"{GoldenFolder.Of("checkpoints", "vicuna")}: the tokenizer has 2,001 ids, the vocabulary 1,000. Take a larger vocabulary or a smaller tokenizer.",
            Refusal(Options(Small with { VocabularySize = 1000 })));
    }

    [Fact]
    public void Write_FolderWithoutTokenizer_IsRefused()
    {
        Directory.CreateDirectory(Path("none"));
        Assert.Equal(
            $"{Path("none")}: there is neither tokenizer.json nor tokenizer.model to copy. Name a folder with a tokenizer.",
            Refusal(Options(Small) with { TokenizerFolder = Path("none") }));
    }

    [Fact]
    public void Write_UnknownType_IsRefused()
    {
        Assert.Equal(
            "There is no dtype 'int4' for weights. Take float16, bfloat16, float32.", Refusal(Options(Small) with { DType = "int4" }));
    }

    [Fact]
    public void Named_UnknownPreset_ListsThePresets()
    {
        var thrown = Assert.Throws<BadCheckpointException>(() => SyntheticPreset.Named("gpt"));
        Assert.Equal("There is no preset 'gpt'. Presets are vicuna-7b, vicuna-13b, mistral-7b, yi-34b, bench.", thrown.Message);
    }

    private static SyntheticOptions Options(SyntheticPreset preset) => new()
    {
        Preset = preset,
        TokenizerFolder = GoldenFolder.Of("checkpoints", "vicuna"),
    };

    private string Path(string name) => System.IO.Path.Combine(_folder, name);

    private ReadOnlySpan<byte> Bytes(string name) => File.ReadAllBytes(Path(name + "/model.safetensors"));

    private string Refusal(SyntheticOptions options) =>
        Assert.Throws<BadCheckpointException>(() => SyntheticCheckpoint.Write(Path("a"), options)).Message;
}
