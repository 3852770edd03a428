using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Sessions;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A cluster whose clock a test moves, and where a second turn is always refused.</summary>
public sealed class StrictCluster : FakeCluster
{
    internal override void Configure(SessionOptions options)
    {
        base.Configure(options);
        options.RefuseWhileBusy = true;
        options.ExpireHours = 1;
    }
}

/// <summary>Sessions that are copied, warmed, deleted, forgotten.</summary>
public sealed class KeepingTests(StrictCluster cluster) : IClassFixture<StrictCluster>
{
    [Fact]
    public async Task Delete_RemovesItsImages_ExceptThoseThatAnotherSessionUses()
    {
        var own = await cluster.PutAsync(FakeImages.Bmp(60, 40, 11));
        var shared = await cluster.PutAsync(FakeImages.Bmp(60, 40, 12));
        await cluster.ChatAsync("images-1", Turn("a", "one", own, shared)).WaitAsync(Patience);
        await cluster.ChatAsync("images-2", Turn("a", "one", shared)).WaitAsync(Patience);

        await cluster.Session("images-1").Delete();

        Assert.False(await HasAsync(own));
        Assert.True(await HasAsync(shared));
        await cluster.Session("images-2").Delete();
        Assert.False(await HasAsync(shared));
    }

    [Fact]
    public async Task Delete_RemovesTheFeaturesOfItsImages_ExceptOfThoseThatAnotherSessionUses()
    {
        var (own, shared) = (FakeImages.Bmp(60, 40, 16), FakeImages.Bmp(60, 40, 17));
        var (ownHash, sharedHash) = (await cluster.PutAsync(own), await cluster.PutAsync(shared));
        await cluster.ChatAsync("features-1", Turn("a", "one", ownHash, sharedHash)).WaitAsync(Patience);
        await cluster.ChatAsync("features-2", Turn("a", "one", sharedHash)).WaitAsync(Patience);
        Assert.Equal((false, false), (await MustEncodeAsync(own), await MustEncodeAsync(shared)));

        await cluster.Session("features-1").Delete();

        Assert.Equal((true, false), (await MustEncodeAsync(own), await MustEncodeAsync(shared)));
    }

    [Fact]
    public async Task Delete_RemovesItsKv_ExceptWhatAnotherSessionShares()
    {
        var image = await cluster.PutAsync(FakeImages.Bmp(60, 40, 20));
        var (first, second) = (new string('k', 90), new string('v', 90));
        async Task<int> CachedAsync(string session, string turn, string text, params string[] images) =>
            (await cluster.ChatAsync(session, Turn(turn, text, images)).WaitAsync(Patience)).Started().CachedTokens;
        Assert.Equal(0, await CachedAsync("kv-1", "a", first, image));
        var tokens = (await cluster.Session("kv-1").Get()).Tokens;
        await cluster.ChatAsync("kv-1", Turn("b", second)).WaitAsync(Patience);
        await cluster.Session("kv-1").Fork("a", "kv-2");
        Assert.InRange(await CachedAsync("kv-2", "b", "another way"), tokens - 17, tokens + 2);

        await cluster.Session("kv-1").Delete();

        // Its second turn is gone, its first one is the other's too.
        await cluster.Session("kv-2").Fork("a", "kv-3");
        Assert.InRange(await CachedAsync("kv-3", "b", second), tokens - 17, tokens + 2);
        await cluster.Session("kv-3").Delete();
        await cluster.Session("kv-2").Delete();
        var again = await cluster.PutAsync(FakeImages.Bmp(60, 40, 20));
        Assert.Equal(0, await CachedAsync("kv-4", "a", first, again));
        await cluster.Session("kv-4").Delete();
    }

    [Fact]
    public async Task Sweep_DeletesOldImagesThatNoTurnUses_AndTheirFeatures()
    {
        var (used, unused) = (FakeImages.Bmp(60, 40, 18), FakeImages.Bmp(60, 40, 19));
        var (usedHash, unusedHash) = (await cluster.PutAsync(used), await cluster.PutAsync(unused));
        await cluster.ChatAsync("sweep-images", Turn("a", "one", usedHash)).WaitAsync(Patience);
        await MustEncodeAsync(unused);
        Task SweepAsync(TimeSpan later) => ActivatorUtilities.CreateInstance<ImageSweeper>(
            cluster.Cluster.Silos[0].ServiceProvider, new FakeTimeProvider(TimeProvider.System.GetUtcNow() + later)).SweepAsync(default);

        await SweepAsync(TimeSpan.FromHours(23));
        Assert.True(await HasAsync(unusedHash));
        await SweepAsync(TimeSpan.FromHours(25));

        Assert.Equal((true, false), (await HasAsync(usedHash), await HasAsync(unusedHash)));
        Assert.Equal((false, true), (await MustEncodeAsync(used), await MustEncodeAsync(unused)));
    }

    [Fact]
    public async Task Delete_CutOff_IsFinishedByWhoeverLooks()
    {
        var image = await cluster.PutAsync(FakeImages.Bmp(60, 40, 13));
        await cluster.ChatAsync("cut", Turn("a", "one", image)).WaitAsync(Patience);
        await cluster.ForgetAsync("cut");
        await cluster.Log.AppendAsync("cut", 2, new SessionDeleted(default), default);

        await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.Session("cut").Get());

        Assert.Empty(await cluster.Log.ReadAsync("cut", default));
        Assert.False(await HasAsync(image));
    }

    [Fact]
    public async Task Chat_RefusedTurn_HoldsNoImageAndKeepsItsBytes()
    {
        var image = await cluster.PutAsync(FakeImages.Bmp(60, 40, 14));
        await Assert.ThrowsAsync<TurnRefusedException>(
            () => cluster.ChatAsync("refused", Turn("a", new string('x', 2000), image)).WaitAsync(Patience));
        Assert.True(await HasAsync(image));
        await cluster.ChatAsync("other", Turn("a", "one", image)).WaitAsync(Patience);

        await cluster.Session("other").Delete();

        Assert.False(await HasAsync(image));
    }

    [Fact]
    public async Task Fork_AtATurn_GoesOnFromThereAndFindsTheKv()
    {
        var image = await cluster.PutAsync(FakeImages.Bmp(60, 40, 15));
        var mirror = new Answers.Mirror();
        await cluster.ChatAsync("stem", Turn("a", "one", image)).WaitAsync(Patience);
        mirror.Next("one", [(image, 60, 40)]);
        var known = mirror.Length;
        await cluster.ChatAsync("stem", Turn("b", "two")).WaitAsync(Patience);

        await cluster.Session("stem").Fork("a", "branch");
        var other = await cluster.ChatAsync("branch", Turn("b", "another way")).WaitAsync(Patience);

        Assert.Equal(mirror.Next("another way", []), other.Tokens());
        Assert.Equal((known - 1) / 16 * 16, other.Started().CachedTokens);
        Assert.Equal(["a", "b"], (await cluster.Session("stem").Get()).Turns.Select(turn => turn.TurnId));
        await cluster.Session("stem").Delete();
        Assert.True(await HasAsync(image));
        Assert.Equal(2, (await cluster.Session("branch").Get()).Turns.Count);
    }

    [Fact]
    public async Task Fork_UnknownOrUnfinishedTurn_IsRefused()
    {
        await cluster.ChatAsync("forked", Turn("a", "one")).WaitAsync(Patience);
        var unknown = await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.Session("forked").Fork("z", "z"));
        var gate = new StepGate();
        cluster.Runner.BeforeStep = gate.Pass;
        var running = cluster.ChatAsync("forked", Turn("b", "two"));
        await gate.ArrivedAsync();
        var unfinished = await Assert.ThrowsAsync<TurnRefusedException>(() => UntilLoggedAsync("forked", "b", "y"));
        // Whatever its request says.
        var busy = await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.ChatAsync("forked", Turn("c", "three")).WaitAsync(Patience));
        gate.Open();
        await running.WaitAsync(Patience);
        cluster.Runner.BeforeStep = null;

        Assert.Equal((RefusalCode.NotFound, "The session has no turn 'z'; GetSession lists those it has."), (unknown.Code, unknown.Message));
        Assert.Equal(RefusalCode.TurnRunning, unfinished.Code);
        Assert.Equal((RefusalCode.TurnRunning, "Turn b is running; wait for it or cancel it."), (busy.Code, busy.Message));
        await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.Session("nobody").Fork("", "x"));
        Assert.Empty(await cluster.Log.ReadAsync("z", default));
    }

    [Fact]
    public async Task Warm_ComputesWhatIsNotThere()
    {
        await cluster.ChatAsync("warm", Turn("a", new string('w', 64))).WaitAsync(Patience);
        var tokens = (await cluster.Session("warm").Get()).Tokens;

        var warmed = await cluster.Session("warm").Warm();

        Assert.Equal(new WarmMessage(tokens, (tokens - 1) / 16 * 16), warmed);
        Assert.Single((await cluster.Session("warm").Get()).Turns);
        await cluster.IdleAsync();
    }

    [Fact]
    public async Task Expire_OnlyWhatWasNotUsedSince()
    {
        await cluster.ChatAsync("expire", Turn("a", "one")).WaitAsync(Patience);
        var used = (await cluster.Session("expire").Get()).Turns[0].EndedAt!.Value;

        Assert.False(await cluster.Session("expire").Expire(used));
        Assert.True(await cluster.Session("expire").Expire(used.AddTicks(1)));
        Assert.False(await cluster.Session("expire").Expire(used.AddTicks(1)));
        Assert.Empty(await cluster.Log.ReadAsync("expire", default));
    }

    [Fact]
    public async Task Sweep_DeletesOldSessionsOnly()
    {
        var services = cluster.Cluster.Silos[0].ServiceProvider;
        await cluster.ChatAsync("swept", Turn("a", "one")).WaitAsync(Patience);
        Task SweepAsync(TimeSpan later) => ActivatorUtilities.CreateInstance<SessionSweeper>(
            services, cluster.Log, new FakeTimeProvider(TimeProvider.System.GetUtcNow() + later)).SweepAsync(default);

        await SweepAsync(TimeSpan.FromMinutes(59));
        Assert.Equal(2, (await cluster.Log.ReadAsync("swept", default)).Count);
        await SweepAsync(TimeSpan.FromMinutes(61));
        Assert.Empty(await cluster.Log.ReadAsync("swept", default));
    }

    /// <summary>Whether the encoder has nothing of an image: asks it for the features.</summary>
    private async Task<bool> MustEncodeAsync(byte[] file)
    {
        var before = cluster.Tower.Encoded;
        await cluster.Encoder.EncodeAsync(ImageHash.Of(file), file, default).WaitAsync(Patience);
        return cluster.Tower.Encoded > before;
    }

    /// <summary>Forks as soon as the turn is in the log.</summary>
    private async Task UntilLoggedAsync(string session, string turn, string fork)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!(await cluster.Log.ReadAsync(session, default)).OfType<TurnStarted>().Any(one => one.TurnId == turn))
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        await cluster.Session(session).Fork(turn, fork);
    }

    private async Task<bool> HasAsync(string image) => await cluster.Images.TryGetAsync(new ImageHash(image), default) is not null;
}
