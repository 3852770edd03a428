using LlavaCluster.Core.Checkpoint;
using Xunit;

namespace LlavaCluster.Core.Tests.Checkpoint;

public sealed class CheckpointFolderTests : IDisposable
{
    private readonly CheckpointBuilder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_ShardsOfAnIndex_JoinsThem()
    {
        Shard("model-00001-of-00002.safetensors", "a");
        Shard("model-00002-of-00002.safetensors", "b");
        _folder.Write("model.safetensors.index.json", """{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}""");
        Assert.Equal(["a", "b"], Names());
    }

    [Fact]
    public void Open_ShardsWithoutIndex_JoinsThem()
    {
        Shard("model-00001-of-00002.safetensors", "a");
        Shard("model-00002-of-00002.safetensors", "b");
        Assert.Equal(["a", "b"], Names());
    }

    [Fact]
    public void Open_MissingShardOfAnIndex_IsNamed()
    {
        Shard("model-00001-of-00002.safetensors", "a");
        _folder.Write("model.safetensors.index.json", """{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}""");
        Assert.Equal(
            $"{_folder.Folder}: 1 of 2 weight files are missing, by model.safetensors.index.json: model-00002-of-00002.safetensors. Fetch them again.",
            Refusal());
    }

    [Fact]
    public void Open_MissingShardWithoutIndex_IsNamed()
    {
        Shard("model-00002-of-00003.safetensors", "b");
        Assert.Equal(
            $"{_folder.Folder}: 2 of 3 weight files are missing, by the names of the others: model-00001-of-00003.safetensors, model-00003-of-00003.safetensors. Fetch them again.",
            Refusal());
    }

    [Fact]
    public void Open_TensorThatTheIndexPromises_MustBeThere()
    {
        Shard("s.safetensors", "a");
        _folder.Write("model.safetensors.index.json", """{"weight_map": {"a": "s.safetensors", "b": "s.safetensors"}}""");
        Assert.Equal(
            $"{_folder.Folder}: model.safetensors.index.json says that tensor 'b' is in s.safetensors, but it is not there. Fetch index and shards again.",
            Refusal());
    }

    [Fact]
    public void Open_IndexThatLeavesTheFolder_IsRefused()
    {
        _folder.Write("model.safetensors.index.json", """{"weight_map": {"a": "../s.safetensors"}}""");
        Assert.Equal(
            $"{_folder.Folder}/model.safetensors.index.json: weight_map has \"../s.safetensors\" for tensor 'a'; LlavaCluster takes an object of tensor names and the names of *.safetensors files in the same folder.",
            Refusal());
    }

    [Fact]
    public void Open_TensorInTwoFiles_IsRefused()
    {
        Shard("x.safetensors", "a");
        Shard("y.safetensors", "a");
        Assert.Equal(
            $"{_folder.Folder}/y.safetensors: tensor 'a' is also in {_folder.Folder}/x.safetensors. Remove the file that does not belong to the checkpoint.",
            Refusal());
    }

    [Fact]
    public void Open_PickleFilesOnly_SaysHowToConvert()
    {
        _folder.Write("pytorch_model-00001-of-00002.bin", "");
        _folder.Write("pytorch_model-00002-of-00002.bin", "");
        Assert.Equal(
            $"{_folder.Folder}: the weights are pickle files (pytorch_model-00001-of-00002.bin, pytorch_model-00002-of-00002.bin), which run code when read; LlavaCluster never reads them. "
            + "Convert them once in Python: load the model with transformers and call model.save_pretrained(folder, safe_serialization=True).",
            Refusal());
    }

    [Fact]
    public void Open_NoWeights_SaysWhatIsNeeded()
    {
        Assert.Equal(
            $"{_folder.Folder}: there are no weights: model.safetensors, or model.safetensors.index.json with its shards, is needed.", Refusal());
    }

    private void Shard(string file, string tensor) => _folder.WriteTensors(file, [(tensor, "F16", [2])]);

    private IEnumerable<string> Names() => CheckpointFolder.Open(_folder.Folder).Tensors.Select(t => t.Tensor.Name).Order();

    private string Refusal() => Assert.Throws<BadCheckpointException>(() => CheckpointFolder.Open(_folder.Folder)).Message;
}
