using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests;

/// <summary>Three silos, one role each: gateway, encoder, decoder.</summary>
public sealed class ThreeSilos() : FakeCluster(
    new SiloRole { Roles = SiloRoles.Gateway },
    new SiloRole { Roles = SiloRoles.Encoder, Encoder = "e7" },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r1" });

/// <summary>A gateway whose encoders and decoders are not there.</summary>
public sealed class GatewayAlone() : FakeCluster(new SiloRole { Roles = SiloRoles.Gateway });

/// <summary>What a gateway finds when the last silo of a role is lost.</summary>
public sealed class LostRoleTests(GatewayAlone cluster) : IClassFixture<GatewayAlone>
{
    [Fact]
    public void Serving_NoSiloHasTheClass_MayBeAskedForAgain()
    {
        var error = Assert.Throws<TurnRefusedException>(() => cluster.Grains.Serving<IDecoderShardGrain>("r1/0"));

        Assert.Equal((RefusalCode.Unavailable, "No silo that could have r1/0 is serving. Try again in a moment."), (error.Code, error.Message));
    }
}

/// <summary>Each grain lives where its role is, and a turn goes through all of them.</summary>
public sealed class RoleTests(ThreeSilos cluster) : IClassFixture<ThreeSilos>
{
    [Fact]
    public async Task Chat_OverThreeSilos_AnswersTheSame()
    {
        var cat = await cluster.PutAsync(FakeImages.Bmp(60, 40, 1));
        var mirror = new Answers.Mirror();

        for (var i = 0; i < 4; i++)
        {
            var events = await cluster.ChatAsync("roles", Turn($"{i}", $"turn {i}", cat)).WaitAsync(Patience);
            Assert.Equal(mirror.Next($"turn {i}", [(cat, 60, 40)]), events.Tokens());
            Assert.Equal("r1", events.Started().Replica);
        }

        AssertOn(0, cluster.Session("roles").GetGrainId());
        AssertOn(1, cluster.Grains.GetGrain<IEncoderGrain>("e7").GetGrainId());
        AssertOn(2, cluster.Grains.GetGrain<IDecoderShardGrain>("r1/0").GetGrainId());
        Assert.Equal(1, cluster.Tower.Encoded);
    }

    [Fact]
    public async Task Call_ToAShardThatNobodyServes_IsRefusedAtOnce()
    {
        var error = await Assert.ThrowsAsync<TurnRefusedException>(
            () => cluster.Grains.GetGrain<IDecoderShardGrain>("r2/0").Load().WaitAsync(Patience));

        Assert.Equal((RefusalCode.Unavailable, "No silo with llava.shard = r2/0 is serving. Try again in a moment."), (error.Code, error.Message));
    }

    [Fact]
    public async Task Refusal_CrossesSilos_WithCodeAndSentence()
    {
        var image = await cluster.PutAsync(FakeImages.Truncated(60, 40));

        var error = await Assert.ThrowsAsync<TurnRefusedException>(
            () => cluster.ChatAsync("bad", Turn("a", "x", image)).WaitAsync(Patience));

        Assert.Equal((RefusalCode.InvalidArgument, "The image is cut off; send the whole file."), (error.Code, error.Message));
    }

    private void AssertOn(int silo, GrainId grain)
    {
        Assert.True(cluster.Cluster.TryGetGrainContext(grain, out var context), $"{grain} is nowhere.");
        Assert.Equal(cluster.Cluster.Silos[silo].SiloAddress, context!.Address.SiloAddress);
    }
}
