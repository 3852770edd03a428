using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Tests.Fakes;
using Xunit;

namespace LlavaCluster.Core.Tests.Tiering;

/// <summary>A rank with 8 blocks, 4 slots, and room for 16 blocks on the disk, or none.</summary>
public sealed class MoveCheckTests
{
    private const int Blocks = 8, Slots = 4, Disk = 16;

    public static TheoryData<TierMove, string> Wrong => new()
    {
        { new TierMove.ToHost([0, 8], [0, 1]), "ToHost: block 8 is not there; this rank has 8." },
        { new TierMove.ToHost([0, 7], [0, 4]), "ToHost: slot 4 is not there; this rank has 4." },
        { new TierMove.FromHost([-1], [0]), "FromHost: slot -1 is not there; this rank has 4." },
        { new TierMove.FromHost([3], [-1]), "FromHost: block -1 is not there; this rank has 8." },
        { new TierMove.ToDisk([0, 1000], 1), "ToDisk: slot 1000 is not there; this rank has 4." },
        { new TierMove.FromDisk([new(1, 16)], [0]), "FromDisk: place 16 is not there; this rank has 16." },
        { new TierMove.FromDisk([new(1, 0)], [8]), "FromDisk: block 8 is not there; this rank has 8." },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Check_NamesWhatIsNotThere_Fails(TierMove move, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidOperationException>(() => MoveCheck.Check(move, Blocks, MoverOf(Disk))).Message);

    [Fact]
    public void Check_DiskWhereThereIsNone_Fails()
    {
        var error = Assert.Throws<InvalidOperationException>(() => MoveCheck.Check(new TierMove.ToDisk([0], 1), Blocks, MoverOf(disk: 0)));

        Assert.Equal("ToDisk: this rank keeps no KV blocks on a disk.", error.Message);
    }

    [Fact]
    public void Check_LastOfEach_Passes()
    {
        MoveCheck.Check(new TierMove.ToHost([7], [3]), Blocks, MoverOf(disk: 0));
        MoveCheck.Check(new TierMove.FromHost([3], [7]), Blocks, MoverOf(disk: 0));
        MoveCheck.Check(new TierMove.ToDisk([3], 1L << 40), Blocks, MoverOf(Disk));
        MoveCheck.Check(new TierMove.FromDisk([new(1L << 40, 15)], [7]), Blocks, MoverOf(Disk));
        MoveCheck.Check(new TierMove.Drop(1), Blocks, MoverOf(disk: 0));
    }

    private static FakeBlockMover MoverOf(int disk) =>
        new(new FakeModelRunner(new RunnerCapacity(Blocks, 16, 64, FakeModel.Vocabulary)), Slots, disk);
}
