using LlavaCluster.Core.Links;
using Xunit;

namespace LlavaCluster.Core.Tests.Links;

public sealed class RankHelloTests
{
    private static readonly Guid Replica = new("11111111-2222-3333-4444-555555555555");
    private static readonly RankHello Me = new(LinkPurpose.Collective, Replica, 7, 1, 4, 1);
    private static readonly RankHello Caller = new(LinkPurpose.Collective, Replica, 7, 3, 4, 1);

    [Fact]
    public void Check_AwaitedRank_IsLetIn()
    {
        Assert.Null(Check(Caller, out var rank));
        Assert.Equal(3, rank);
    }

    [Fact]
    public void Check_AnythingElse_IsRefusedByName()
    {
        Assert.Equal("Rank 3 calls for plans; this address takes collectives.", Check(Caller with { Purpose = LinkPurpose.Plans }));
        Assert.Equal(
            $"Rank 3 belongs to replica {Guid.Empty}; rank 1 belongs to {Replica}.", Check(Caller with { Replica = Guid.Empty }));
        Assert.Equal("Rank 3 is of epoch 6; rank 1 is of epoch 7.", Check(Caller with { Epoch = 6 }));
        Assert.Equal("Rank 3 counts 5 ranks; rank 1 counts 4.", Check(Caller with { Ranks = 5 }));
        Assert.Equal("Rank 3 calls rank 0; this is rank 1.", Check(Caller with { Called = 0 }));
        Assert.Equal(
            "Rank 0 is not awaited by rank 1: it has called before, or is no rank that calls it.", Check(Caller with { Rank = 0 }));
    }

    [Fact]
    public void Check_AnotherProtocolOrAStranger_IsRefused()
    {
        var bytes = new byte[RankHello.Bytes];
        Caller.Write(bytes);
        bytes[8] = 9;
        Assert.Equal(
            "The caller speaks protocol 9, rank 1 speaks 1. Run one version in a replica.", RankHello.Check(bytes, Me, [3], out _));
        Assert.Equal("The caller is not a rank of LlavaCluster.", RankHello.Check(new byte[RankHello.Bytes], Me, [3], out _));
    }

    private static string? Check(RankHello said) => Check(said, out _);

    private static string? Check(RankHello said, out int rank)
    {
        var bytes = new byte[RankHello.Bytes];
        said.Write(bytes);
        return RankHello.Check(bytes, Me, [2, 3], out rank);
    }
}
