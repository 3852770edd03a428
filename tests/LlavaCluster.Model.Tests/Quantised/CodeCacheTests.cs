using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Layers;
using LlavaCluster.Model.Quantised;
using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Quantised;

/// <summary>Codes that are kept beside a checkpoint.</summary>
public sealed unsafe class CodeCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("llava-codes").FullName;
    private readonly List<string> _told = [];

    public CodeCacheTests()
    {
        foreach (var file in Directory.GetFiles(GoldenFolder.Of("checkpoints", "mistral")))
        {
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(WeightForm.Int8, 1)]
    [InlineData(WeightForm.Int8, 2)]
    [InlineData(WeightForm.Int4, 1)]
    [InlineData(WeightForm.Int4, 2)]
    public void Read_EveryMatrixOfEveryRank_HasTheCodesThatLoadingMakes(WeightForm form, int ranks)
    {
        var config = LlavaConfigReader.Read(_folder);
        var cache = Open(form);
        using var weights = new CheckpointWeights(_folder, config, CPU, ScalarType.BFloat16);
        for (var rank = 0; rank < ranks; rank++)
        {
            var plan = new ShardPlan(config.Text, rank, ranks);
            foreach (var entry in TensorCatalog.Of(config).Where(CodeChoice.Takes))
            {
                WeightSlice? slice = plan.SliceOf(entry.Name) is { } part ? part : null;
                using var made = new CodeChoice(form, true).Make(weights, [(entry.Name, entry.Shape, slice)]);
                using var kept = new CodeChoice(form, true, cache).Make(weights, [(entry.Name, entry.Shape, slice)]);
                Assert.True(Bytes(made).SequenceEqual(Bytes(kept)), $"rank {rank} of {ranks}: {entry.Name}");
            }
        }

        Assert.Empty(_told);
    }

    [Fact]
    public void Open_TheSecondTime_TakesTheFileAsItIs()
    {
        Open(WeightForm.Int4);
        var written = File.GetLastWriteTimeUtc(CodeCache.FileOf(_folder, WeightForm.Int4));
        Open(WeightForm.Int4);
        Assert.Equal(written, File.GetLastWriteTimeUtc(CodeCache.FileOf(_folder, WeightForm.Int4)));
        Assert.Empty(_told);
        Assert.Empty(Directory.GetFiles(_folder, "*.partial"));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(20_000)]
    [InlineData(-3)]
    public void Open_DamagedFile_IsMadeAnewAndSaysSo(int at)
    {
        Open(WeightForm.Int4);
        var file = CodeCache.FileOf(_folder, WeightForm.Int4);
        var whole = File.ReadAllBytes(file);
        var bytes = (byte[])whole.Clone();
        bytes[at < 0 ? bytes.Length + at : at] ^= 4;
        File.WriteAllBytes(file, bytes);
        Open(WeightForm.Int4);
        Assert.Equal([$"{file}: the file is damaged. It is made anew."], _told);
        Assert.Equal(whole, File.ReadAllBytes(file));
    }

    [Fact]
    public void Open_TruncatedFile_IsMadeAnewAndSaysSo()
    {
        Open(WeightForm.Int8);
        var file = CodeCache.FileOf(_folder, WeightForm.Int8);
        using (var stream = File.OpenWrite(file))
        {
            stream.SetLength(stream.Length - 100);
        }

        Open(WeightForm.Int8);
        Assert.Equal([$"{file}: the file is damaged. It is made anew."], _told);
    }

    [Fact]
    public void Open_OfAnotherCheckpointOrDtype_IsMadeAnewAndSaysSo()
    {
        Open(WeightForm.Int8);
        var file = CodeCache.FileOf(_folder, WeightForm.Int8);
        Open(WeightForm.Int8, ScalarType.Float32);
        File.SetLastWriteTimeUtc(Directory.GetFiles(_folder, "*.safetensors")[0], DateTime.UnixEpoch);
        Open(WeightForm.Int8, ScalarType.Float32);
        Assert.Equal(Enumerable.Repeat($"{file}: it was made from other weights, or by another version. It is made anew.", 2), _told);
    }

    [Fact]
    public void Open_WhereNothingCanBeWritten_GoesOnWithoutAndSaysSo()
    {
        Directory.CreateDirectory(CodeCache.FileOf(_folder, WeightForm.Int8)); // a folder of the file's name
        Assert.Null(Open(WeightForm.Int8));
        Assert.StartsWith("The weights in int8 cannot be kept for the next start: ", Assert.Single(_told));
        Assert.Empty(Directory.GetFiles(_folder, "*.partial"));
    }

    private CodeCache? Open(WeightForm form, ScalarType type = ScalarType.BFloat16)
    {
        var config = LlavaConfigReader.Read(_folder);
        using var weights = new CheckpointWeights(_folder, config, CPU, type);
        return CodeCache.Open(_folder, config, weights, form, _told.Add);
    }

    private static ReadOnlySpan<byte> Bytes(CodeMatrix matrix) => new(matrix.Memory, (int)matrix.Bytes);
}
