using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Decoding;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>Conversations that nobody talks to while their replica, r1, leaves.</summary>
public sealed class GiveAwayTests(TwoDecoders cluster) : IClassFixture<TwoDecoders>, IAsyncLifetime
{
    /// <summary>All that begins, begins at r1.</summary>
    public Task InitializeAsync() => cluster.DrainAsync("r2");

    public async Task DisposeAsync()
    {
        cluster.Runners["r2"].BeforeStep = null;
        await cluster.DrainAsync();
    }

    [Fact]
    public async Task IdleConversations_TheirNextTurnFindsThemElsewhere()
    {
        var mirrors = new Dictionary<string, Answers.Mirror>();
        foreach (var name in new[] { "idle-1", "idle-2", "idle-3", "idle-4", "idle-5", "idle-6" })
        {
            await BeginAsync(name, mirrors[name] = new Answers.Mirror());
        }

        await cluster.DrainAsync("r1");
        var before = cluster.Considered("r2");

        await GiveAwayAsync();

        Assert.True(cluster.Considered("r2") > before, "No KV was offered.");
        var fetched = cluster.Fetched("r2");
        foreach (var (name, mirror) in mirrors)
        {
            var blocks = (await cluster.Session(name).Get()).Tokens / 16;
            var next = await cluster.ChatAsync(name, Turn("b", "go on")).WaitAsync(Patience);

            Assert.Equal("r2", next.Started().Replica);
            Assert.InRange(next.Started().CachedTokens, 16 * (blocks - 1), 1000);
            Assert.Equal(mirror.Next("go on", []), next.Tokens());
        }

        // Nothing was left to be fetched.
        Assert.Equal(fetched, cluster.Fetched("r2"));
    }

    [Fact]
    public async Task NobodyStays_NothingIsAsked()
    {
        await BeginAsync("kept");
        await cluster.DrainAsync("r1", "r2");
        var before = cluster.Considered("r2");

        await GiveAwayAsync();

        Assert.Equal(before, cluster.Considered("r2"));
        Assert.Equal("kept", Served.Take()?.Session);
    }

    [Fact]
    public async Task OneThatIsGone_DoesNotKeepTheOthers()
    {
        await BeginAsync("not-gone");
        Served.Note(new ServedSession("gone", "", 3));
        await cluster.DrainAsync("r1");

        await GiveAwayAsync();

        var next = await cluster.ChatAsync("not-gone", Turn("b", "go on")).WaitAsync(Patience);
        Assert.Equal("r2", next.Started().Replica);
        Assert.InRange(next.Started().CachedTokens, 64, 1000);
    }

    [Fact]
    public async Task TimeIsOver_TheOtherReplicaLetsGo()
    {
        var mirror = new Answers.Mirror();
        await BeginAsync("late", mirror);
        await cluster.DrainAsync("r1");
        var gate = new StepGate();
        cluster.Runners["r2"].BeforeStep = gate.Pass;
        using var over = new CancellationTokenSource();
        var giving = cluster.DrainOf("r1").GiveAwayAsync(over.Token);
        await gate.ArrivedAsync();

        await over.CancelAsync();

        await giving.WaitAsync(Patience);
        gate.Open();
        await UntilAsync(() => cluster.Engines["r2"].Load is { Running: 0, Waiting: 0 } load && load.FreeBlocks == load.TotalBlocks);
        var next = await cluster.ChatAsync("late", Turn("b", "go on")).WaitAsync(Patience);
        Assert.Equal(mirror.Next("go on", []), next.Tokens());
    }

    [Fact]
    public async Task DeletedWhileItMoves_IsForgottenThereToo()
    {
        await BeginAsync("deleted");
        await cluster.DrainAsync("r1");
        var gate = new StepGate();
        cluster.Runners["r2"].BeforeStep = gate.Pass;
        var giving = GiveAwayAsync();
        await gate.ArrivedAsync();

        var deleting = cluster.Session("deleted").Delete();
        gate.Open();

        await deleting.WaitAsync(Patience);
        await giving.WaitAsync(Patience);
        var again = await cluster.ChatAsync("deleted-again", Turn("a", Text("deleted"))).WaitAsync(Patience);
        Assert.Equal(("r2", 0), (again.Started().Replica, again.Started().CachedTokens));
    }

    [Fact]
    public async Task MoveFrom_WhereTheConversationIsNot_DoesNothing()
    {
        await BeginAsync("elsewhere");

        Assert.False(await cluster.Session("elsewhere").MoveFrom("r2", ""));
        await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.Session("nobody").MoveFrom("r1", ""));
        // The other one leaves too.
        Assert.False(await cluster.Session("elsewhere").MoveFrom("r1", ""));
    }

    private LastServed Served => cluster.SiloOf("r1").GetRequiredService<LastServed>();

    /// <summary>At least five blocks that no other conversation has.</summary>
    private static string Text(string session) => $"{session}: {KvMoveTests.Long}";

    private async Task BeginAsync(string session, Answers.Mirror? mirror = null)
    {
        var events = await cluster.ChatAsync(session, Turn("a", Text(session))).WaitAsync(Patience);
        Assert.Equal("r1", events.Started().Replica);
        Assert.Equal((mirror ?? new Answers.Mirror()).Next(Text(session), []), events.Tokens());
        // The session hears of the end before its replica has seen it go.
        await UntilAsync(() => cluster.SiloOf("r1").GetRequiredService<OpenStreams>().Count == 0);
    }

    private async Task GiveAwayAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await cluster.DrainOf("r1").GiveAwayAsync(patience.Token);
        Assert.False(patience.IsCancellationRequested);
    }
}
