using System.Net;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Fleet;

public sealed class LoadReporterTests : IAsyncLifetime
{
    private static readonly SiloAddress Here = SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 1), 1);
    private static readonly SiloAddress There = SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 2), 1);

    private readonly FakeTimeProvider _time = new();
    private readonly OneEar _there = new();
    private readonly ServiceProvider _services = new ServiceCollection().BuildServiceProvider();
    private readonly LoadTable _table;
    private readonly LoadReporter _reporter;

    public LoadReporterTests()
    {
        var membership = new FakeMembership(Here, There);
        _table = new LoadTable(_time);
        _reporter = new LoadReporter(
            new SiloRole { Roles = SiloRoles.Gateway },
            SiloIdentity.None,
            new OpenSilo(),
            new SiloGauges(),
            _table,
            new KnownBeginnings(),
            _there,
            membership,
            new LostSilos(membership, new NoSiloPort(), _time, NullLogger<LostSilos>.Instance),
            new FakeLocalSilo(Here),
            _services,
            _time);
    }

    public Task InitializeAsync() => _reporter.StartAsync(default);

    public async Task DisposeAsync()
    {
        await _reporter.StopAsync(default);
        _reporter.Dispose();
        await _services.DisposeAsync();
    }

    [Fact]
    public async Task Report_Answered_IsSentWithEachBeat()
    {
        await BeatsAsync(20);
        Assert.InRange(_there.Heard, 18, 21);
    }

    [Fact]
    public async Task Report_NeverAnswered_IsSentAgainAfterAWhile()
    {
        _there.Answer = new TaskCompletionSource().Task;
        await BeatsAsync(20);
        Assert.InRange(_there.Heard, 4, 5);
    }

    /// <summary>The reporter's own entry in the table tells how often it was awake.</summary>
    private async Task BeatsAsync(int beats)
    {
        for (var i = 0; i < beats; i++)
        {
            await FakeCluster.UntilAsync(() => _table.Find(Here) is { } found && found.Report.Number > i);
            _time.Advance(LoadReporter.Every);
        }

        await FakeCluster.UntilAsync(() => _table.Find(Here)!.Value.Report.Number > beats);
    }

    /// <summary>The other silo's ear.</summary>
    private sealed class OneEar : IFleetClient, IFleetService
    {
        private int _heard;

        public int Heard => Volatile.Read(ref _heard);

        public Task Answer { get; set; } = Task.CompletedTask;

        public IFleetService At(SiloAddress silo) => this;

        public Task Report(SiloReportMessage report)
        {
            Interlocked.Increment(ref _heard);
            return Answer;
        }

        public Task Drain() => Task.CompletedTask;

        public Task<string?> Admit(SiloIdentityMessage newcomer) => Task.FromResult<string?>(null);
    }
}
