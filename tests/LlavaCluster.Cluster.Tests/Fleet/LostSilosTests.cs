using System.Net;
using LlavaCluster.Grains.Fleet;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Fleet;

public class LostSilosTests
{
    private static readonly SiloAddress Silo = SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 1), 1);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeMembership _membership = new(Silo);
    private readonly FakePort _port = new();
    private readonly LostSilos _lost;

    public LostSilosTests() => _lost = new LostSilos(_membership, _port, _time, NullLogger<LostSilos>.Instance);

    [Fact]
    public async Task Silent_PortRefusesTwice_IsDeclaredDeadOnce()
    {
        _port.IsRefusing = true;
        await SilentAsync(4);
        Assert.Equal([Silo], _membership.Killed);
    }

    [Fact]
    public async Task Silent_PortRefusesOnce_IsNoProof()
    {
        _port.IsRefusing = true;
        await SilentAsync(1);
        _port.IsRefusing = false;
        await SilentAsync(1);
        _time.Advance(LostSilos.Between);
        _port.IsRefusing = true;
        await SilentAsync(1);
        Assert.Empty(_membership.Killed);
    }

    [Fact]
    public async Task Silent_AnsweredBetweenTwoRefusals_IsNoProof()
    {
        _port.IsRefusing = true;
        await SilentAsync(1);
        _lost.Heard(Silo);
        await SilentAsync(1);
        Assert.Empty(_membership.Killed);
    }

    [Fact]
    public async Task Silent_PortOpen_IsLookedAtNowAndThen()
    {
        await SilentAsync(3);
        Assert.Equal(1, _port.Looks);
        _time.Advance(LostSilos.Between);
        await SilentAsync(3);
        Assert.Equal(2, _port.Looks);
        Assert.Empty(_membership.Killed);
    }

    [Fact]
    public async Task Silent_MembershipCannotBeWritten_IsDeclaredDeadLater()
    {
        (_port.IsRefusing, _membership.Failure) = (true, new TimeoutException("Redis does not answer."));
        await SilentAsync(2);
        Assert.Empty(_membership.Killed);
        _membership.Failure = null;
        await SilentAsync(1);
        Assert.Equal([Silo], _membership.Killed);
    }

    private async Task SilentAsync(int times)
    {
        for (var i = 0; i < times; i++)
        {
            await _lost.SilentAsync(Silo, CancellationToken.None);
        }
    }

    /// <summary>A port that refuses or does not.</summary>
    private sealed class FakePort : ISiloPort
    {
        public bool IsRefusing { get; set; }

        public int Looks { get; private set; }

        public Task<bool> IsRefusingAsync(SiloAddress silo, CancellationToken cancellationToken)
        {
            Looks++;
            return Task.FromResult(IsRefusing);
        }
    }
}
