using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Decoding;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>What a shard takes, and lets go, while its silo drains.</summary>
public sealed class OpenStreamsTests : ISiloState
{
    private static readonly SequenceMessage Sequence = new()
    {
        Name = "s/a",
        Session = "s",
        TokenIds = [],
        Images = [],
        Encoders = new Dictionary<string, string>(),
        Sampling = SamplingMessage.From(Core.Sampling.SamplingOptions.Greedy),
        Seed = 0,
        Turn = 0,
        MaxTokens = 1,
        Tenant = "t",
    };

    private readonly LastServed _served = new();

    public bool IsDraining { get; private set; }

    [Fact]
    public void Open_Draining_IsRefusedAndNotCounted()
    {
        var streams = Streams(SiloRoles.Decoder);
        var open = streams.Open(Sequence);
        IsDraining = true;

        var refused = Assert.Throws<TurnRefusedException>(() => streams.Open(Sequence));

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
        using var open = streams.Open(Sequence);
        Assert.False(streams.HandedOver.IsCancellationRequested);

        await streams.HandOverAsync();

        Assert.True(streams.HandedOver.IsCancellationRequested);
        Assert.Throws<TurnRefusedException>(() => streams.Open(Sequence));
        Assert.Equal(1, streams.Count);
    }

    [Fact]
    public void Stream_Ends_ItsConversationIsIdle()
    {
        var streams = Streams(SiloRoles.Decoder);
        var stream = streams.Open(Sequence);
        stream.Tokens = 47;
        Assert.Null(_served.Take());

        stream.Dispose();

        Assert.Equal(new ServedSession("s", "t", 2), _served.Take());
        streams.Open(Sequence).Dispose();
        // The engine has not taken that one.
        Assert.Null(_served.Take());
    }

    [Fact]
    public async Task HandOver_TellsWhoseTheStreamsAreAndWhenAllHaveEnded()
    {
        var streams = Streams(SiloRoles.Decoder);
        var stream = streams.Open(Sequence);
        stream.Tokens = 16;

        Assert.Equal([new ServedSession("s", "t", 1)], await streams.HandOverAsync());

        Assert.False(streams.Ended.IsCompleted);
        stream.Dispose();
        await streams.Ended.WaitAsync(FakeCluster.Patience);
        // It goes on elsewhere: nobody need be asked to take it.
        Assert.Null(_served.Take());
    }

    [Fact]
    public async Task HandOver_NothingIsOpen_HasEnded()
    {
        var streams = Streams(SiloRoles.Decoder);

        Assert.Empty(await streams.HandOverAsync());

        Assert.True(streams.Ended.IsCompleted);
    }

    private OpenStreams Streams(SiloRoles roles) => new(new SiloRole { Roles = roles, Replica = "r" }, this, _served);
}
