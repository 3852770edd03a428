using System.Net;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Fleet;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Fleet;

public sealed class SiloPulseTests : IAsyncLifetime
{
    private static readonly SiloAddress Here = SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 1), 1);
    private static readonly TimeSpan Beat = SiloPulse.Longest / 10;

    private readonly FakeTimeProvider _time = new();
    private readonly FakeMembership _membership = new(Here);
    private readonly SiloPulse _pulse;

    public SiloPulseTests() => _pulse = new SiloPulse(_membership, new FakeLocalSilo(Here), _time);

    public Task InitializeAsync() => _pulse.StartAsync(default);

    public async Task DisposeAsync()
    {
        await _pulse.StopAsync(default);
        _pulse.Dispose();
    }

    [Fact]
    public async Task Prove_BeatsRegularly_ReadsNothing()
    {
        for (var i = 0; i < 30; i++)
        {
            await BeatAsync();
            await _pulse.ProveAsync();
        }

        Assert.Equal(0, _membership.Readings);
    }

    [Fact]
    public async Task Prove_StoodStill_ReadsTheMembershipEachTimeUntilTheProbationIsOver()
    {
        await _pulse.StopAsync(default);
        _time.Advance(SiloPulse.Longest);

        await _pulse.ProveAsync();
        await _pulse.ProveAsync();
        Assert.Equal(2, _membership.Readings);

        // Each reading is a beat.
        for (var passed = TimeSpan.Zero; passed < SiloPulse.Probation; passed += Beat)
        {
            await _pulse.ProveAsync();
            _time.Advance(Beat);
        }

        var readings = _membership.Readings;
        await _pulse.ProveAsync();
        Assert.Equal(readings, _membership.Readings);
    }

    [Fact]
    public async Task Prove_DeclaredDeadAfterItMovedAgain_IsRefused()
    {
        await _pulse.StopAsync(default);
        _time.Advance(SiloPulse.Longest);
        await _pulse.ProveAsync();
        _time.Advance(Beat);
        _membership.Dead = [Here];
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _pulse.ProveAsync().AsTask());
    }

    [Fact]
    public async Task Beat_StoodStill_ReadsByItself()
    {
        _time.Advance(SiloPulse.Longest);
        await FakeCluster.UntilAsync(() => _membership.Readings > 0);
    }

    [Fact]
    public async Task Prove_DeclaredDeadMeanwhile_IsRefused()
    {
        await _pulse.StopAsync(default);
        _membership.Dead = [Here];
        await _pulse.ProveAsync();
        _time.Advance(SiloPulse.Longest);

        for (var i = 0; i < 2; i++)
        {
            var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => _pulse.ProveAsync().AsTask());
            Assert.Contains("declared dead", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Prove_CannotBeRead_IsRefusedUntilItCan()
    {
        await _pulse.StopAsync(default);
        _time.Advance(SiloPulse.Longest);
        _membership.Failure = new TimeoutException("Redis sleeps.");

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => _pulse.ProveAsync().AsTask());
        _membership.Failure = null;
        await _pulse.ProveAsync();

        Assert.Same(typeof(TimeoutException), error.InnerException?.GetType());
    }

    [Fact]
    public async Task Doubt_ReadsThoughItBeats()
    {
        await BeatAsync();
        _pulse.Doubt();
        await _pulse.ProveAsync();
        Assert.Equal(1, _membership.Readings);
    }

    /// <summary>A beat's continuation runs on another thread; the next one comes when it is over.</summary>
    private async Task BeatAsync()
    {
        var before = _pulse.Beats;
        _time.Advance(Beat);
        await FakeCluster.UntilAsync(() => _pulse.Beats > before);
    }
}
