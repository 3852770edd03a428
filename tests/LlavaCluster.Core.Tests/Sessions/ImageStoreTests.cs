using System.Text;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using Xunit;

namespace LlavaCluster.Core.Tests.Sessions;

public sealed class ImageStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("images-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ImageStore_PutGetDelete()
    {
        foreach (var store in new IImageStore[] { new FileImageStore(_folder), new MemoryImageStore() })
        {
            var file = Encoding.UTF8.GetBytes("picture");
            var hash = ImageHash.Of(file);
            Assert.Null(await store.TryGetAsync(hash, default));
            await store.PutAsync(hash, file, default);
            await store.PutAsync(hash, file, default);
            Assert.Equal(file, (await store.TryGetAsync(hash, default))!.Value.ToArray());
            await store.DeleteAsync(hash, default);
            await store.DeleteAsync(hash, default);
            Assert.Null(await store.TryGetAsync(hash, default));
        }

        Assert.Empty(Directory.EnumerateFiles(_folder, "*.part", SearchOption.AllDirectories));
    }
}
