using LlavaCluster.Grains.Admission;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Admission;

/// <summary>A silo that takes two turns at a time, one of each tenant, and the tiles of one picture.</summary>
public sealed class NarrowSilo : FakeCluster
{
    internal override void ConfigureServices(IServiceCollection services) => services.Configure<AdmissionOptions>(options =>
    {
        (options.MaxTurns, options.TenantPercent) = (2, 50);
        // A picture of 60 × 40 is cut into a base tile and 2 × 2.
        options.MaxTiles = 5;
    });
}

/// <summary>Turns past a budget are refused before their images are decoded.</summary>
public sealed class AdmissionTests(NarrowSilo cluster) : IClassFixture<NarrowSilo>
{
    [Fact]
    public async Task SecondTurnOfATenant_WhileOneRuns_IsRefusedBeforeItsImageIsDecoded_AndTakenAfterwards()
    {
        var gate = new StepGate();
        cluster.Runner.BeforeStep = gate.Pass;
        var first = cluster.ChatAsync("one", Turn("a", "Hello"));
        await gate.ArrivedAsync().WaitAsync(Patience);
        var image = await cluster.PutAsync(FakeImages.Bmp(60, 40, 77));
        var encoded = cluster.Encoder.TilesEncoded;

        await RefusedAsync(
            "Turns of one tenant in flight: 1; this cluster takes 1 of one tenant. Try again in ", "two", Turn("a", "What is it?", image));
        Assert.Equal(encoded, cluster.Encoder.TilesEncoded);

        gate.Open();
        await first.WaitAsync(Patience);
        await cluster.ChatAsync("two", Turn("a", "What is it?", image)).WaitAsync(Patience);
    }

    [Fact]
    public async Task Picture_WhileAnotherTenantsWaits_IsRefused_ButNotWords()
    {
        var gate = new StepGate();
        cluster.Runner.BeforeStep = gate.Pass;
        var first = cluster.ChatAsync("three", Turn("a", "What is it?", await cluster.PutAsync(FakeImages.Bmp(60, 40, 78))));
        await gate.ArrivedAsync().WaitAsync(Patience);
        var image = await cluster.PutAsync(FakeImages.Bmp(60, 40, 79));
        var encoded = cluster.Encoder.TilesEncoded;

        await RefusedAsync(
            "Tiles of images in flight: 5, and 5 more in this turn; this cluster takes 5. Try again in ",
            "four",
            Turn("a", "What is it?", image) with { Tenant = "other" });
        Assert.Equal(encoded, cluster.Encoder.TilesEncoded);

        var words = cluster.ChatAsync("four", Turn("a", "Hello") with { Tenant = "other" });
        gate.Open();
        await first.WaitAsync(Patience);
        await words.WaitAsync(Patience);
    }

    private async Task RefusedAsync(string sentence, string session, TurnRequestMessage turn)
    {
        var refusal = await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.ChatAsync(session, turn).WaitAsync(Patience));

        Assert.Equal(RefusalCode.QueueFull, refusal.Code);
        Assert.StartsWith(sentence, refusal.Message);
        Assert.NotNull(refusal.RetryAfter);
    }
}
