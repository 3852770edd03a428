using System.Collections.Concurrent;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Layers;
using LlavaCluster.Model.Tests.Golden;
using Xunit;

namespace LlavaCluster.Model.Tests.KvCache;

/// <summary>Blocks go down and come back with the bits that they had.</summary>
public sealed unsafe class BlockMoverTests : IDisposable
{
    private const int Blocks = 6;

    private readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("llava-kv-");
    private readonly PagedKvCache _cache;
    private readonly BlockMover _mover;
    private readonly BlockingCollection<(TierMove Move, TierMoveResult Result)> _done = [];

    public BlockMoverTests()
    {
        var model = GoldenModel.OnCpu("mistral");
        _cache = new PagedKvCache(model.Config.Text, new ShardPlan(model.Config.Text, 0, 1), model.Device, Blocks);
        _mover = new BlockMover(new PageBytes(_cache), hostSlots: 4, diskBlocks: 100, () => KvFolder.Open(_scratch.FullName));
        var random = new Random(1);
        for (var block = 0; block < Blocks; block++)
        {
            Each(block, bytes => random.NextBytes(bytes));
        }
    }

    [Fact]
    public void HostAndBack_OtherBlocks_HaveTheSameBits()
    {
        var (first, second, third) = (BytesOf(0), BytesOf(1), BytesOf(2));

        Do(new TierMove.ToHost([0, 1], [3, 0]));
        Each(0, bytes => bytes.Clear());
        Do(new TierMove.FromHost([0, 3], [4, 5]));

        Assert.Equal((second, first, third), (BytesOf(4), BytesOf(5), BytesOf(2)));
        Assert.Equal(_mover.BlockBytes, first.Length / 2);
    }

    [Fact]
    public void DiskAndBack_AnyBlockOfAGroup_HasTheSameBits()
    {
        var blocks = Enumerable.Range(0, 3).Select(BytesOf).ToArray();

        Do(new TierMove.ToHost([0, 1, 2], [0, 1, 2]));
        Do(new TierMove.ToDisk([2, 0, 1], 7));
        var result = Do(new TierMove.FromDisk([new(7, 0), new(7, 2)], [3, 4]));

        Assert.Null(result.Error);
        Assert.Equal((blocks[2], blocks[1]), (BytesOf(3), BytesOf(4)));
        Do(new TierMove.Drop(7));
        Assert.Empty(_scratch.GetFiles("*.kv", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData(true, "is damaged (the checksum differs).")]
    [InlineData(false, "ends after")]
    public void DiskRead_Damaged_SaysWhichBlockAndReadsTheRest(bool flipped, string expected)
    {
        var first = BytesOf(0);
        Do(new TierMove.ToHost([0, 1], [0, 1]));
        Do(new TierMove.ToDisk([0, 1], 7));
        using (var file = _scratch.GetFiles("7.kv", SearchOption.AllDirectories).Single().Open(FileMode.Open))
        {
            if (flipped)
            {
                file.Position = _mover.BlockBytes + 5;
                var was = file.ReadByte();
                file.Position--;
                file.WriteByte((byte)(was ^ 1));
            }
            else
            {
                file.SetLength(_mover.BlockBytes + 5);
            }
        }

        var result = Do(new TierMove.FromDisk([new(7, 1), new(7, 0)], [3, 4]));

        Assert.Equal([0], result.Failed);
        Assert.Contains("7.kv: block 1 ", result.Error!.Message, StringComparison.Ordinal);
        Assert.Contains(expected, result.Error.Message, StringComparison.Ordinal);
        Assert.Equal(first, BytesOf(4));
    }

    [Fact]
    public void DiskWrite_NoRoom_FailsAndLeavesNothing()
    {
        Do(new TierMove.ToHost([0], [0]));
        // A file that already exists as a folder cannot be written either, and needs no full disk.
        Directory.CreateDirectory(Path.Combine(_scratch.GetDirectories().Single().FullName, "8.kv"));

        Assert.NotNull(Do(new TierMove.ToDisk([0], 8)).Error);

        var result = Do(new TierMove.FromDisk([new(8, 0)], [3]));
        Assert.Equal([0], result.Failed);
        Assert.Null(Do(new TierMove.ToDisk([0], 9)).Error);
    }

    [Fact]
    public void DiskWrite_FolderCannotBeMade_IsTriedAgainWithTheNextGroup()
    {
        var attempts = 0;
        using var mover = new BlockMover(new PageBytes(_cache), 4, 100, () => ++attempts < 3 ? throw new IOException("full") : KvFolder.Open(_scratch.FullName));
        var first = BytesOf(0);
        Do(new TierMove.ToHost([0], [0]), mover);

        var failed = Do(new TierMove.ToDisk([0], 1), mover);
        Assert.Equal(("full", 1), (failed.Error!.Message, failed.Failed.Count));

        Assert.Null(Do(new TierMove.ToDisk([0], 2), mover).Error);
        Assert.Null(Do(new TierMove.FromDisk([new(2, 0)], [5]), mover).Error);
        Assert.Equal(first, BytesOf(5));
    }

    [Fact]
    public void Dispose_WithMovesUnderWay_LeavesNoFiles()
    {
        Do(new TierMove.ToHost([0, 1, 2, 3], [0, 1, 2, 3]));
        for (var group = 0; group < 50; group++)
        {
            _mover.Begin(new TierMove.ToDisk([0, 1, 2, 3], group), (_, _) => { });
        }

        _mover.Dispose();

        Assert.Empty(_scratch.GetFileSystemInfos());
    }

    [Fact]
    public void Open_FolderOfAProcessThatDied_IsRemoved()
    {
        var alive = Assert.Single(_scratch.GetDirectories());
        var left = _scratch.CreateSubdirectory("left");
        File.WriteAllText(Path.Combine(left.FullName, "1.kv"), "x");
        File.WriteAllText(left.FullName + ".lock", "");

        using (KvFolder.Open(_scratch.FullName))
        {
            Assert.False(Directory.Exists(left.FullName));
            Assert.False(File.Exists(left.FullName + ".lock"));
            Assert.True(Directory.Exists(alive.FullName));
            Assert.Equal(2, _scratch.GetDirectories().Length);
        }

        Assert.Equal([alive.FullName], _scratch.GetDirectories().Select(folder => folder.FullName));
    }

    public void Dispose()
    {
        _mover.Dispose();
        _cache.Dispose();
        _scratch.Delete(recursive: true);
    }

    private TierMoveResult Do(TierMove move, BlockMover? mover = null)
    {
        (mover ?? _mover).Begin(move, (what, result) => _done.Add((what, result)));
        Assert.True(_done.TryTake(out var done, TimeSpan.FromSeconds(30)), "The move has not ended in 30 s.");
        Assert.Same(move, done.Move);
        return done.Result;
    }

    private string BytesOf(int block)
    {
        var all = "";
        Each(block, bytes => all += Convert.ToHexString(bytes));
        return all;
    }

    private void Each(int block, SpanAction each)
    {
        for (var layer = 0; layer < _cache.Layers; layer++)
        {
            foreach (var pages in new[] { _cache.KeyPages(layer), _cache.ValuePages(layer) })
            {
                each(new Span<byte>(HostMemory.Of(pages) + (block * _cache.PageBytes), (int)_cache.PageBytes));
            }
        }
    }

    private delegate void SpanAction(Span<byte> bytes);
}
