using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Tests.Fakes;
using Xunit;

namespace LlavaCluster.Core.Tests.Engine;

public sealed class EncodeLoopTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly ImageProcessing Processing = new()
    {
        Mode = ImageMode.AnyRes,
        TileSide = 28,
        PatchSide = 14,
        Pinpoints = [(28, 56), (56, 28), (56, 56)],
        Order = PinpointOrder.HeightWidth,
        Mean = [0.5f, 0.5f, 0.5f],
        Std = [0.5f, 0.5f, 0.5f],
    };

    private readonly FakeVisionEncoder _tower = new(4, 8);
    private readonly FakeImageDecoder _decoder = new();

    [Fact]
    public async Task Forget_LeavesNothingOfTheImage()
    {
        await using var loop = await StartAsync();
        var (hash, file) = Image(60, 40);
        await loop.EncodeAsync(hash, file, default).WaitAsync(Patience);
        await loop.CheckAsync(hash, file, default).WaitAsync(Patience);
        Assert.Equal((1, 1), (_tower.Encoded, _decoder.Decoded));

        loop.Forget(hash);
        await loop.CheckAsync(hash, file, default).WaitAsync(Patience);
        Assert.Equal((1, 2), (_tower.Encoded, _decoder.Decoded));
        loop.Forget(hash);
        await loop.EncodeAsync(hash, file, default).WaitAsync(Patience);
        Assert.Equal((2, 3), (_tower.Encoded, _decoder.Decoded));
    }

    [Fact]
    public async Task Encode_SameImageManyTimes_IsDoneOnce()
    {
        await using var loop = await StartAsync();
        var (hash, file) = Image(60, 40);

        var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => loop.EncodeAsync(hash, file, default))).WaitAsync(Patience);
        var again = await loop.EncodeAsync(hash, file, default).WaitAsync(Patience);

        Assert.All(all, features => Assert.Same(again, features));
        Assert.Equal((1, 1), (_tower.Encoded, _decoder.Decoded));
        Assert.Equal((60, 40, 5), (again.Width, again.Height, again.Tiles));
        Assert.Equal(0, loop.TilesOutstanding);
    }

    [Fact]
    public async Task Check_ThenEncode_DecodesOnce()
    {
        await using var loop = await StartAsync();
        var (hash, file) = Image(60, 40);

        await loop.CheckAsync(hash, file, default).WaitAsync(Patience);
        Assert.Equal(0, _tower.Encoded);
        await loop.EncodeAsync(hash, file, default).WaitAsync(Patience);

        Assert.Equal((1, 1), (_tower.Encoded, _decoder.Decoded));
    }

    [Fact]
    public async Task Check_BadImage_Throws()
    {
        await using var loop = await StartAsync();
        var file = FakeImages.Truncated(60, 40);

        var error = await Assert.ThrowsAsync<BadImageException>(() => loop.CheckAsync(ImageHash.Of(file), file, default));

        Assert.Equal("The image is cut off; send the whole file.", error.Message);
    }

    [Fact]
    public async Task Encode_OneOfTwoWaitersLeaves_TheOtherGetsIt()
    {
        await using var loop = await StartAsync();
        using var arrived = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        _tower.BeforeBatch = _ =>
        {
            arrived.Release();
            go.Wait(Patience);
        };
        var (hash, file) = Image(60, 40);
        using var cancel = new CancellationTokenSource();
        var leaves = loop.EncodeAsync(hash, file, cancel.Token);
        var stays = loop.EncodeAsync(hash, file, default);
        Assert.True(await arrived.WaitAsync(Patience));

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaves);
        go.Release();

        Assert.Equal(hash, (await stays.WaitAsync(Patience)).Image);
        Assert.Equal(1, _tower.Encoded);
    }

    [Fact]
    public async Task Encode_AllWaitersLeaveWhileItWaits_IsNotDone()
    {
        await using var loop = await StartAsync();
        using var arrived = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        var seen = new List<ImageHash>();
        _tower.BeforeBatch = batch =>
        {
            seen.AddRange(batch);
            arrived.Release();
            go.Wait(Patience);
        };
        var (first, firstFile) = Image(60, 40);
        var (second, secondFile) = Image(60, 40, 1);
        var busy = loop.EncodeAsync(first, firstFile, default);
        Assert.True(await arrived.WaitAsync(Patience));
        await loop.CheckAsync(second, secondFile, default);
        using var cancel = new CancellationTokenSource();
        var leaves = loop.EncodeAsync(second, secondFile, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaves);
        go.Release(2);
        await busy.WaitAsync(Patience);
        await loop.StopAsync().WaitAsync(Patience);

        Assert.Equal([first], seen);
        Assert.Equal(0, loop.TilesOutstanding);
    }

    [Fact]
    public async Task Encode_TowerFailsForOneImage_OthersOfTheBatchLive()
    {
        await using var loop = await StartAsync();
        using var arrived = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        var images = Enumerable.Range(0, 3).Select(i => Image(60, 40, i)).ToArray();
        _tower.BeforeBatch = batch =>
        {
            arrived.Release();
            go.Wait(Patience);
            if (batch.Contains(images[1].Hash))
            {
                throw new InvalidOperationException("no memory");
            }
        };
        var first = loop.EncodeAsync(images[0].Hash, images[0].File, default);
        Assert.True(await arrived.WaitAsync(Patience));
        var others = images[1..].Select(image => loop.EncodeAsync(image.Hash, image.File, default)).ToArray();
        go.Release(10);

        await first.WaitAsync(Patience);
        Assert.Equal("no memory", (await Assert.ThrowsAsync<InvalidOperationException>(() => others[0].WaitAsync(Patience))).Message);
        Assert.Equal(images[2].Hash, (await others[1].WaitAsync(Patience)).Image);
    }

    [Theory]
    [InlineData(10, new[] { 1, 2, 2, 1 })] // 5 tiles each
    [InlineData(14, new[] { 1, 2, 2, 1 })]
    [InlineData(15, new[] { 1, 3, 2 })]
    [InlineData(4, new[] { 1, 1, 1, 1, 1, 1 })]
    public async Task Encode_ImagesThatWait_GoTogetherUpToTheTileBudget(int budget, int[] expected)
    {
        await using var loop = await StartAsync(new EncodeLoopOptions { BatchTiles = budget });
        using var arrived = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        var batches = new List<int>();
        _tower.BeforeBatch = batch =>
        {
            batches.Add(batch.Count);
            arrived.Release();
            go.Wait(Patience);
        };
        var (first, file) = Image(60, 40);
        List<Task<ImageFeatures>> all = [loop.EncodeAsync(first, file, default)];
        Assert.True(await arrived.WaitAsync(Patience));
        for (var salt = 1; salt < 6; salt++)
        {
            var (hash, other) = Image(60, 40, salt);
            await loop.CheckAsync(hash, other, default).WaitAsync(Patience);
            all.Add(loop.EncodeAsync(hash, other, default));
            // Cut already, so it goes into the queue without a wait.
            using var patience = new CancellationTokenSource(Patience);
            while (loop.TilesOutstanding < 5 * all.Count)
            {
                patience.Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }

        go.Release(10);
        var features = await Task.WhenAll(all).WaitAsync(Patience);

        Assert.Equal(expected, batches);
        Assert.Equal(6, features.Select(f => f.Image).Distinct().Count());
        Assert.Equal(0, loop.TilesOutstanding);
    }

    [Fact]
    public async Task Features_PastTheBytesKept_AreForgotten()
    {
        // One image has 5 tiles × 4 patches × 8 channels × 4 bytes = 640 bytes.
        await using var loop = await StartAsync(new EncodeLoopOptions { FeatureBytes = 1300 });
        foreach (var salt in new[] { 0, 1, 2, 1, 0 })
        {
            var (hash, file) = Image(60, 40, salt);
            await loop.EncodeAsync(hash, file, default).WaitAsync(Patience);
        }

        // 0 was the least recently used when 2 came; 1 was still there.
        Assert.Equal(4, _tower.Encoded);
    }

    [Fact]
    public async Task Stop_DisposesTheTower_AndRefusesWhatComesLater()
    {
        var loop = await StartAsync();
        await loop.StopAsync().WaitAsync(Patience);
        var (hash, file) = Image(60, 40);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => loop.EncodeAsync(hash, file, default).WaitAsync(Patience));

        Assert.Equal("This encoder is stopping; another one must be asked.", error.Message);
        Assert.True(_tower.IsDisposed);
    }

    [Fact]
    public async Task Start_FactoryThrows_FailsWithItsException()
    {
        await using var loop = new EncodeLoop(
            () => throw new InvalidDataException("no weights"), _decoder, new ImagePreprocessor(Processing).Process, new ImageLimits(), new());

        Assert.Equal("no weights", (await Assert.ThrowsAsync<InvalidDataException>(() => loop.StartAsync().WaitAsync(Patience))).Message);
    }

    private static (ImageHash Hash, byte[] File) Image(int width, int height, int salt = 0)
    {
        var file = FakeImages.Bmp(width, height, salt);
        return (ImageHash.Of(file), file);
    }

    private async Task<EncodeLoop> StartAsync(EncodeLoopOptions? options = null)
    {
        var loop = new EncodeLoop(
            () => _tower, _decoder, new ImagePreprocessor(Processing).Process, new ImageLimits(), options ?? new EncodeLoopOptions());
        await loop.StartAsync().WaitAsync(Patience);
        return loop;
    }
}
