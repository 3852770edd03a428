using System.Text;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using Xunit;

namespace LlavaCluster.Tests.Sessions;

/// <summary>What every image store keeps to. A class per store derives from this one.</summary>
public abstract class ImageStoreContract
{
    private static readonly byte[] File = Encoding.UTF8.GetBytes("picture");
    private static readonly ImageHash Hash = ImageHash.Of(File);

    /// <summary>The store as one more process sees it.</summary>
    protected abstract IImageStore Open();

    [Fact]
    public async Task Put_Get_Delete()
    {
        var store = Open();
        Assert.Null(await store.TryGetAsync(Hash, default));
        await store.PutAsync(Hash, File, default);
        await store.PutAsync(Hash, File, default);
        Assert.Equal(File, (await Open().TryGetAsync(Hash, default))!.Value.ToArray());
        await store.DeleteAsync(Hash, default);
        await store.DeleteAsync(Hash, default);
        Assert.Null(await Open().TryGetAsync(Hash, default));
    }

    [Fact]
    public async Task Release_OfTheLastHolder_DeletesTheBytes()
    {
        var store = Open();
        await store.HoldAsync(Hash, "one", default);
        await store.PutAsync(Hash, File, default);
        await store.HoldAsync(Hash, "two/2", default);
        await store.HoldAsync(Hash, "two/2", default);

        await store.ReleaseAsync(Hash, "one", deleteUnheld: true, default);
        await store.ReleaseAsync(Hash, "one", deleteUnheld: true, default);
        Assert.NotNull(await Open().TryGetAsync(Hash, default));
        await Open().ReleaseAsync(Hash, "two/2", deleteUnheld: true, default);
        Assert.Null(await Open().TryGetAsync(Hash, default));
        await store.ReleaseAsync(Hash, "two/2", deleteUnheld: true, default);
    }

    [Fact]
    public async Task Release_OfAnImageThatNobodyHolds_DeletesTheBytes()
    {
        var store = Open();
        await store.PutAsync(Hash, File, default);
        await store.ReleaseAsync(Hash, "one", deleteUnheld: true, default);

        Assert.Null(await store.TryGetAsync(Hash, default));
    }

    [Fact]
    public async Task Release_KeepingWhatNobodyHolds_LeavesTheBytes()
    {
        var store = Open();
        await store.PutAsync(Hash, File, default);
        await store.HoldAsync(Hash, "one", default);
        await store.ReleaseAsync(Hash, "one", deleteUnheld: false, default);

        Assert.NotNull(await store.TryGetAsync(Hash, default));
        await store.ReleaseAsync(Hash, "one", deleteUnheld: true, default);
        Assert.Null(await store.TryGetAsync(Hash, default));
    }
}
