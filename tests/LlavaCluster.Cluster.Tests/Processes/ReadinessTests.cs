using LlavaCluster.Grains.Contracts;
using LlavaCluster.Silo.Hosting;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>What a process takes on, from its start to its drain.</summary>
public sealed class ReadinessTests
{
    private readonly Readiness _readiness = new();

    [Fact]
    public void BeginTurn_Starting_IsRefused()
    {
        var refused = Assert.Throws<TurnRefusedException>(_readiness.BeginTurn);

        Assert.False(_readiness.IsReady);
        Assert.Equal(
            (RefusalCode.Unavailable, "The server is starting: its model is being loaded. Try again in a moment."),
            (refused.Code, refused.Message));
    }

    [Fact]
    public void DrainAsync_NoTurns_IsIdleAtOnce()
    {
        _readiness.SetReady();

        Assert.True(_readiness.DrainAsync().IsCompletedSuccessfully);
    }

    [Fact]
    public void DrainAsync_TurnsRunning_WaitsForTheLast()
    {
        _readiness.SetReady();
        var (first, second) = (_readiness.BeginTurn(), _readiness.BeginTurn());
        var idle = _readiness.DrainAsync();
        first.Dispose();
        first.Dispose(); // counts once

        Assert.False(idle.IsCompleted);
        Assert.Equal(1, _readiness.Turns);
        Assert.Throws<TurnRefusedException>(_readiness.BeginTurn);
        second.Dispose();
        Assert.True(idle.IsCompletedSuccessfully);
    }

    [Fact]
    public void SetReady_Draining_StaysDraining()
    {
        _ = _readiness.DrainAsync();
        _readiness.SetReady();

        Assert.False(_readiness.IsReady);
    }
}
