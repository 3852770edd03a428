using LlavaCluster.Grains.Admission;
using LlavaCluster.Grains.Contracts;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Admission;

public sealed class AdmissionBudgetTests
{
    private static readonly AdmissionOptions Options = new()
    {
        MaxTurns = 10,
        MaxTiles = 20,
        MaxImageMib = 1,
        MaxKvPercent = 200,
        TenantPercent = 40,
    };

    private static readonly FleetWork Fleet =
        new(new TurnWorkMessage(8, 15, 1 << 19, 150), new TurnWorkMessage(2, 3, 1 << 10, 30), BlocksInAll: 100, TurnRate: 2, TileRate: 10);

    private static readonly TurnWorkMessage Demand = new(1, 5, 1 << 12, 50);

    [Fact]
    public void Turn_ThatFillsEveryBudgetToTheLast_IsTaken() => Assert.Null(AdmissionBudget.Refuse(
        Options, Fleet with { All = new TurnWorkMessage(9, 15, (1 << 20) - (1 << 12), 150) }, Demand));

    [Fact]
    public void Turns_AreTooMany_IsRefusedUntilSoManyHaveEnded() => Refused(
        "Turns in flight: 13; this cluster takes 10. Try again in 2 s.", 2, Fleet with { All = Fleet.All with { Turns = 13 } });

    [Fact]
    public void Tiles_AreTooMany_IsRefusedByTheEncodersRate() => Refused(
        "Tiles of images in flight: 16, and 5 more in this turn; this cluster takes 20. Try again in 0.1 s.",
        0.1,
        Fleet with { All = Fleet.All with { Tiles = 16 } });

    [Fact]
    public void ImageBytes_AreTooMany_IsRefusedByTheTurnsThatBroughtThem() => Refused(
        "Bytes of images in flight: 1,048,000, and 4,096 more in this turn; this cluster takes 1,048,576. Try again in 0.1 s.",
        0.1,
        Fleet with { All = Fleet.All with { ImageBytes = 1_048_000 } });

    [Fact]
    public void KvBlocks_AreTooMany_IsRefusedByTheTurnsThatHoldThem() => Refused(
        "KV blocks in flight: 160, and 50 more in this turn; this cluster takes 200. Try again in 0.3 s.",
        0.25,
        Fleet with { All = Fleet.All with { Blocks = 160 } });

    [Fact]
    public void TurnsOfOneTenant_AreTooMany_IsRefusedByItsShareOfTheRate() => Refused(
        "Turns of one tenant in flight: 4; this cluster takes 4 of one tenant. Try again in 1 s.",
        1,
        Fleet with { Tenant = Fleet.Tenant with { Turns = 4 } });

    [Theory]
    [InlineData(4, 0, 0, "Tiles of images of one tenant in flight: 4, and 5 more in this turn; this cluster takes 8 of one tenant. ")]
    [InlineData(0, 419_000, 0, "Bytes of images of one tenant in flight: 419,000, and 4,096 more in this turn; this cluster takes 419,430 of one tenant. ")]
    [InlineData(0, 0, 31, "KV blocks of one tenant in flight: 31, and 50 more in this turn; this cluster takes 80 of one tenant. ")]
    public void WorkOfOneTenant_IsTooMuch_IsRefused(int tiles, int bytes, int blocks, string sentence)
    {
        var refusal = AdmissionBudget.Refuse(Options, Fleet with { Tenant = new TurnWorkMessage(2, tiles, bytes, blocks) }, Demand);

        Assert.StartsWith(sentence, refusal!.Message);
    }

    [Fact]
    public void Tenants_HaveNoShare_OneMayHaveAll() => Assert.Null(AdmissionBudget.Refuse(
        new AdmissionOptions { MaxTurns = 10 }, Fleet with { Tenant = Fleet.All }, Demand));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.001, 60)]
    [InlineData(1000, 0.1)]
    public void Rate_UnknownOrExtreme_TheTimeToldIsSensible(double rate, double seconds) => Assert.Equal(
        seconds,
        AdmissionBudget.Refuse(Options, Fleet with { All = Fleet.All with { Turns = 10 }, TurnRate = rate }, Demand)!.RetryAfter!.Value.TotalSeconds);

    [Fact]
    public void LargeTurn_WhenNothingElseIsThere_IsTaken() => Assert.Null(AdmissionBudget.Refuse(
        Options, new FleetWork(default, default, 100, 0, 0), new TurnWorkMessage(1, 500, 1 << 30, 5000)));

    [Fact]
    public void TurnWithoutImages_DoesNotWaitForThoseOfOthers() => Assert.Null(AdmissionBudget.Refuse(
        Options, Fleet with { All = Fleet.All with { Tiles = 99, ImageBytes = 1 << 30 } }, Demand with { Tiles = 0, ImageBytes = 0 }));

    private static void Refused(string sentence, double seconds, FleetWork fleet)
    {
        var refusal = AdmissionBudget.Refuse(Options, fleet, Demand);

        Assert.Equal((RefusalCode.QueueFull, sentence), (refusal!.Code, refusal.Message));
        Assert.Equal(seconds, refusal.RetryAfter!.Value.TotalSeconds, 1e-6);
    }
}
