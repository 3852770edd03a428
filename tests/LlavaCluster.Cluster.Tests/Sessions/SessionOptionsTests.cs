using LlavaCluster.Grains.Sessions;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Sessions;

public sealed class SessionOptionsTests
{
    [Fact]
    public void Validate_Defaults_AreFine() => Assert.True(new SessionOptionsValidator().Validate(null, new SessionOptions()).Succeeded);

    [Fact]
    public void Validate_BordersOfTheRanges_AreFine()
    {
        var validator = new SessionOptionsValidator();

        Assert.True(validator.Validate(null, new SessionOptions
        {
            MaxImagesPerTurn = 0,
            MaxTextLength = 1,
            DefaultMaxTokens = 1,
            MaxWaitingTurns = 0,
            MaxStopTexts = 0,
        }).Succeeded);
        Assert.True(validator.Validate(null, new SessionOptions
        {
            MaxImagesPerTurn = 1024,
            MaxTextLength = 1 << 26,
            DefaultMaxTokens = 1 << 20,
            MaxWaitingTurns = 1024,
            MaxStopTexts = 1024,
        }).Succeeded);
    }

    [Fact]
    public void Validate_Mistakes_AreNamedAllAtOnce()
    {
        var result = new SessionOptionsValidator().Validate(null, new SessionOptions { MaxImagesPerTurn = -1, DefaultMaxTokens = 0 });

        Assert.Equal(
            [
                "Llava:Sessions: The field MaxImagesPerTurn must be between 0 and 1024.",
                "Llava:Sessions: The field DefaultMaxTokens must be between 1 and 1048576.",
            ],
            result.Failures);
    }
}
