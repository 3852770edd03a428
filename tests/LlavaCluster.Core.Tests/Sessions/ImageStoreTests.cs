using LlavaCluster.Core.Sessions;
using LlavaCluster.Tests.Sessions;
using Xunit;

namespace LlavaCluster.Core.Tests.Sessions;

public sealed class MemoryImageStoreTests : ImageStoreContract
{
    private readonly MemoryImageStore _store;

    public MemoryImageStoreTests() => _store = new MemoryImageStore(Time);

    protected override IImageStore Open() => _store;
}

public sealed class FileImageStoreTests : ImageStoreContract, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("images-").FullName;

    public void Dispose()
    {
        Assert.DoesNotContain(
            Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories), path => Path.GetFileName(path) != "lock");
        Directory.Delete(_folder, recursive: true);
    }

    protected override IImageStore Open() => new FileImageStore(_folder, Time);
}
