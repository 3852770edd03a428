using LlavaCluster.Cluster.Tests.Fleet;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A silo whose pulse reads another membership, by a clock that a test moves.</summary>
public sealed class StoppedCluster : FakeCluster
{
    internal FakeMembership Others { get; } = new();

    internal FakeTimeProvider PulseTime { get; } = new();

    // Not hosted: nothing beats between a test's steps.
    internal override void ConfigureServices(IServiceCollection services) =>
        services.AddSingleton(all => new SiloPulse(Others, all.GetRequiredService<ILocalSiloDetails>(), PulseTime));
}

/// <summary>A silo that stood still and was declared dead.</summary>
public sealed class StandStillTests : IAsyncLifetime
{
    private readonly StoppedCluster _cluster = new();

    public Task InitializeAsync() => _cluster.InitializeAsync();

    public Task DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task DeclaredDeadWhileItStoodStill_NeitherAnswersNorWrites()
    {
        await _cluster.ChatAsync("s", Turn("a", "one")).WaitAsync(Patience);
        var gate = new StepGate();
        _cluster.Runner.BeforeStep = gate.Pass;
        var running = _cluster.ChatAsync("t", Turn("a", "two"));
        gate.Allow(3);
        await UntilAsync(() => _cluster.Log.ReadAsync("t", default).Result.Count == 1);

        _cluster.Others.Dead = [_cluster.Cluster.Silos[0].SiloAddress];
        _cluster.PulseTime.Advance(2 * SiloPulse.Longest);
        gate.Open();

        // What ran ends without a word in the log, and nothing begins, nor is told.
        await RefusedAsync(running);
        Assert.Single(await _cluster.Log.ReadAsync("t", default));
        await RefusedAsync(_cluster.ChatAsync("s", Turn("b", "three")));
        await RefusedAsync(_cluster.Session("s").Get());
        Assert.Single(Conversation.From(await _cluster.Log.ReadAsync("s", default)).Turns);
        _cluster.Runner.BeforeStep = null;
    }

    private static async Task RefusedAsync(Task what)
    {
        var refused = await Assert.ThrowsAsync<TurnRefusedException>(() => what.WaitAsync(Patience));
        Assert.Equal(RefusalCode.Unavailable, refused.Code);
        Assert.Contains("declared dead", refused.Message, StringComparison.Ordinal);
    }
}
