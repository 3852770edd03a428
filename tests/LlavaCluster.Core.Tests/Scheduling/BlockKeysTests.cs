using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Scheduling;
using Xunit;

namespace LlavaCluster.Core.Tests.Scheduling;

public sealed class BlockKeysTests
{
    private static readonly int[] Ids = [.. Enumerable.Range(100, 64)];
    private static readonly ImageHash Cat = ImageHash.Of("cat"u8), Dog = ImageHash.Of("dog"u8);

    [Fact]
    public void First_SameIds_SameKeys() => Assert.Equal(Keys(Ids, "", []), Keys(Ids, "", []));

    [Fact]
    public void First_OneIdDiffers_ThatBlockAndAllAfterDiffer()
    {
        var other = (int[])Ids.Clone();
        other[20] = 7;

        var (left, right) = (Keys(Ids, "", []), Keys(other, "", []));

        Assert.Equal([true, false, false, false], left.Zip(right, (a, b) => a == b));
    }

    [Fact]
    public void First_OtherTenant_AllDiffer() =>
        Assert.DoesNotContain(true, Keys(Ids, "a", []).Zip(Keys(Ids, "b", []), (a, b) => a == b));

    [Fact]
    public void First_OtherImageAtTheSamePlace_DiffersFromItsFirstBlockOn()
    {
        var left = Keys(Ids, "", [new ImageSpan(18, 30, Cat, 1, 1)]);
        var right = Keys(Ids, "", [new ImageSpan(18, 30, Dog, 1, 1)]);

        Assert.Equal([true, false, false, false], left.Zip(right, (a, b) => a == b));
    }

    [Fact]
    public void First_SameImageOneTokenFurther_Differs()
    {
        // The same ids in every block: only the offset in the image tells them apart.
        var ids = Enumerable.Repeat(5, 64).ToArray();

        var left = Keys(ids, "", [new ImageSpan(0, 40, Cat, 1, 1)]);
        var right = Keys(ids, "", [new ImageSpan(1, 40, Cat, 1, 1)]);

        Assert.Equal([false, false, false, false], left.Zip(right, (a, b) => a == b));
    }

    [Fact]
    public void First_InPieces_EqualsAtOnce()
    {
        var keys = new BlockKeys(16, "t", [new ImageSpan(3, 50, Cat, 1, 1)]);
        for (var count = 1; count <= 4; count++)
        {
            keys.First(Ids.AsSpan(0, count * 16), count);
        }

        Assert.Equal(Keys(Ids, "t", [new ImageSpan(3, 50, Cat, 1, 1)]), keys.First(Ids, 4).ToArray());
    }

    private static UInt128[] Keys(int[] ids, string tenant, ImageSpan[] images) =>
        new BlockKeys(16, tenant, images).First(ids, ids.Length / 16).ToArray();
}
