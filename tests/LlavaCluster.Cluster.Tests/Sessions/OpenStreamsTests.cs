using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Decoding;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>What a shard takes, and lets go, while its silo drains.</summary>
public sealed class OpenStreamsTests : ISiloState
{
    public bool IsDraining { get; private set; }

    [Fact]
    public void Open_Draining_IsRefusedAndNotCounted()
    {
        var streams = Streams(SiloRoles.Decoder);
        var open = streams.Open();
        IsDraining = true;

        var refused = Assert.Throws<TurnRefusedException>(streams.Open);

        Assert.Equal(
            (RefusalCode.Unavailable, "Replica r is leaving and takes no turns. Ask again: another one answers."), (refused.Code, refused.Message));
        Assert.Equal(1, streams.Count);
        open.Dispose();
        open.Dispose();
        Assert.Equal(0, streams.Count);
    }

    [Fact]
    public async Task Open_EdgeInTheSameProcess_IsTakenUntilItIsHandedOver()
    {
        IsDraining = true;
        var streams = Streams(SiloRoles.All);
        using var open = streams.Open();
        Assert.False(streams.HandedOver.IsCancellationRequested);

        await streams.HandOverAsync();

        Assert.True(streams.HandedOver.IsCancellationRequested);
        Assert.Throws<TurnRefusedException>(streams.Open);
        Assert.Equal(1, streams.Count);
    }

    private OpenStreams Streams(SiloRoles roles) => new(new SiloRole { Roles = roles, Replica = "r" }, this);
}
