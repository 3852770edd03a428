using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Scheduling;
using Xunit;
using static LlavaCluster.Core.Tests.Scheduling.SchedulerHost;

namespace LlavaCluster.Core.Tests.Scheduling;

public sealed class AdmissionRuleTests
{
    [Fact]
    public void MaxTokens_PromptTooLong_SaysTheNumbers()
    {
        var request = Request(5210, [new ImageSpan(100, 2928, ImageHash.Of("cat"u8), 640, 480)]);

        var error = Assert.Throws<SequenceRefusedException>(() => AdmissionRule.MaxTokens(request, 4096, 4096));

        Assert.Equal(
            "Prompt has 5,210 tokens (2,928 from images); this model takes 4,096. Shorten the text or send fewer images.",
            error.Message);
        Assert.Equal(RefusalReason.NeverFits, error.Reason);
    }

    [Theory]
    [InlineData(4095, 1)]
    [InlineData(4000, 96)]
    [InlineData(100, 200)]
    public void MaxTokens_PromptFits_IsCutToTheContext(int prompt, int expected) =>
        Assert.Equal(expected, AdmissionRule.MaxTokens(Request(prompt), 4096, 4096));

    [Fact]
    public void MaxTokens_BlocksTooFew_SaysTheNumbers()
    {
        var error = Assert.Throws<SequenceRefusedException>(() => AdmissionRule.MaxTokens(Request(2000), 4096, 1600));

        Assert.Equal(
            "Prompt has 2,000 tokens; the KV blocks of this replica hold 1,600. Shorten the text or send fewer images.", error.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    public void CheckChoices_OutsideOfTheQueue_SaysTheNumbers(int choices)
    {
        var error = Assert.Throws<SequenceRefusedException>(() => AdmissionRule.CheckChoices(choices, 64));

        Assert.Equal($"{choices} answers are asked for; this replica gives 1 to 64.", error.Message);
        Assert.Equal(RefusalReason.NeverFits, error.Reason);
    }
}
