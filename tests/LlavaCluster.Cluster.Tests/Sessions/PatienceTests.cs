using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Sessions;
using LlavaCluster.Silo.Api;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>How long lost turns are tried again, by session and by edge.</summary>
public sealed class PatienceTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Replica_OnlyTimeWithoutOneCounts()
    {
        var patience = new ReplicaPatience(new SessionOptions { ReplicaSeconds = 30 }, _time);
        patience.Accepted();
        // A long queue, and then the replica dies.
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.True(patience.HasMore(cameFurther: false));
        _time.Advance(TimeSpan.FromSeconds(20));
        patience.Accepted();
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.True(patience.HasMore(cameFurther: false));
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.True(patience.HasMore(cameFurther: false));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.False(patience.HasMore(cameFurther: false));
        Assert.Equal(4, patience.Attempts);
        Assert.True(patience.HasMore(cameFurther: true));
        Assert.Equal(1, patience.Attempts);
    }

    [Fact]
    public void Relay_LongWaitForAToken_IsAsPatientAsAny()
    {
        var patience = new RelayPatience(_time);
        patience.Ask();
        patience.Hear();
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.True(patience.HasMore(Moving()));
        for (var i = 0; i < 9; i++)
        {
            patience.Ask();
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.True(patience.HasMore(Moving()));
        }

        patience.Ask();
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(patience.HasMore(Moving()));
    }

    [Fact]
    public void Relay_SessionWasThereMeanwhile_BeginsAnew()
    {
        var patience = new RelayPatience(_time);
        for (var i = 0; i < 5; i++)
        {
            patience.Ask();
            _time.Advance(TimeSpan.FromSeconds(4));
            Assert.True(patience.HasMore(new EnumerationAbortedException("")));
        }

        // Silence is not being there.
        patience.Ask();
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(patience.HasMore(new TimeoutException()));
    }

    [Fact]
    public void Relay_OtherErrors_AreTold()
    {
        var patience = new RelayPatience(_time);
        patience.Ask();

        Assert.False(patience.HasMore(new TurnRefusedException(RefusalCode.QueueFull, "full")));
        Assert.False(patience.HasMore(new InvalidOperationException()));
    }

    private static TurnRefusedException Moving() => new(RefusalCode.Moving, "moving");
}
