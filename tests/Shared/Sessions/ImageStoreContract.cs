using System.Text;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Tests.Sessions;

/// <summary>What every image store keeps to. A class per store derives from this one.</summary>
public abstract class ImageStoreContract
{
    private static readonly byte[] File = Encoding.UTF8.GetBytes("picture");
    private static readonly ImageHash Hash = ImageHash.Of(File);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>The clock of the stores.</summary>
    protected TimeProvider Time => _time;

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

        Assert.False(await store.ReleaseAsync(Hash, "one", deleteUnheld: true, default));
        Assert.False(await store.ReleaseAsync(Hash, "one", deleteUnheld: true, default));
        Assert.NotNull(await Open().TryGetAsync(Hash, default));
        Assert.True(await Open().ReleaseAsync(Hash, "two/2", deleteUnheld: true, default));
        Assert.Null(await Open().TryGetAsync(Hash, default));
        Assert.False(await store.ReleaseAsync(Hash, "two/2", deleteUnheld: true, default));
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

    [Fact]
    public async Task Sweep_DeletesOldImagesThatNobodyHolds()
    {
        var store = Open();
        var (held, again) = (Encoding.UTF8.GetBytes("held"), Encoding.UTF8.GetBytes("again"));
        await store.PutAsync(Hash, File, default);
        await store.PutAsync(ImageHash.Of(held), held, default);
        await store.PutAsync(ImageHash.Of(again), again, default);
        await store.HoldAsync(ImageHash.Of(held), "one", default);
        var put = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromHours(1));
        await store.PutAsync(ImageHash.Of(again), again, default);

        Assert.Empty(await Open().SweepAsync(put, default));
        Assert.Equal([Hash], await Open().SweepAsync(put.AddMinutes(1), default));
        Assert.Empty(await store.SweepAsync(put.AddMinutes(1), default));

        Assert.Null(await store.TryGetAsync(Hash, default));
        Assert.NotNull(await store.TryGetAsync(ImageHash.Of(held), default));
        Assert.NotNull(await store.TryGetAsync(ImageHash.Of(again), default));

        // What is held no longer goes when it is looked at next.
        await store.ReleaseAsync(ImageHash.Of(held), "one", deleteUnheld: false, default);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(
            new[] { ImageHash.Of(held), ImageHash.Of(again) }.OrderBy(image => image.Hex),
            (await store.SweepAsync(_time.GetUtcNow(), default)).OrderBy(image => image.Hex));
    }
}
