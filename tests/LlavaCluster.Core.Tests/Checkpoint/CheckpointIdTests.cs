using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Checkpoint;

public sealed class CheckpointIdTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("checkpoint-id").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Id_OfACopy_IsTheSame_AndOfOtherWeightsConfigOrTokenizerAnother()
    {
        var original = CheckpointId.Of(GoldenFolder.Of("checkpoints", "yi"));
        Assert.Equal(16, original.Length);
        Assert.Equal(original, CheckpointId.Of(Copy("same", _ => { })));
        Assert.NotEqual(original, CheckpointId.Of(Copy("weights", folder => Flip(Directory.GetFiles(folder, "*.safetensors")[0]))));
        Assert.NotEqual(original, CheckpointId.Of(Copy("config", folder => File.AppendAllText(Path.Combine(folder, "config.json"), " "))));
    }

    private string Copy(string name, Action<string> change)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        foreach (var file in Directory.GetFiles(GoldenFolder.Of("checkpoints", "yi")))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        change(folder);
        return folder;
    }

    /// <summary>The last bytes of a file, as another training would change all.</summary>
    private static void Flip(string path)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[^3] ^= 0x40;
        File.WriteAllBytes(path, bytes);
    }
}
