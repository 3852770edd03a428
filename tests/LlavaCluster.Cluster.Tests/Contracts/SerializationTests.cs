using LlavaCluster.Core.Engine;
using LlavaCluster.Grains.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Contracts;

/// <summary>Everything that crosses silos, written and read again.</summary>
public sealed class SerializationTests
{
    private readonly Serializer _serializer =
        new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    [Fact]
    public void TurnRequest_ComesBackEqual()
    {
        var request = new TurnRequestMessage
        {
            TurnId = "t",
            Parts = [TurnPartMessage.OfText("words"), TurnPartMessage.OfImage("abc")],
            System = "s",
            Sampling = new SamplingMessage
            {
                Temperature = 0.5f,
                TopK = 3,
                TopP = 0.9f,
                MinP = 0.1f,
                RepetitionPenalty = 1.1f,
                PresencePenalty = -1,
                FrequencyPenalty = 2,
                LogitBias = new Dictionary<int, float> { [7] = -100 },
                Seed = ulong.MaxValue,
                Stop = ["a", "b"],
                LogProbs = 5,
            },
            MaxTokens = 9,
            ResumeFrom = 4,
            Busy = BusyPolicy.Refuse,
            MayCreate = true,
            Tenant = "me",
            TellSilences = true,
        };

        var back = Again(request);

        Assert.Equal(request.Parts, back.Parts);
        Assert.Equal(request.Sampling.Stop, back.Sampling.Stop);
        Assert.Equal(request.Sampling.LogitBias, back.Sampling.LogitBias);
        Assert.Equal(request, back with { Parts = request.Parts, Sampling = request.Sampling });
        Assert.Equal(
            request.Sampling, back.Sampling with { Stop = request.Sampling.Stop, LogitBias = request.Sampling.LogitBias });
        var options = SamplingMessage.From(back.Sampling.ToOptions());
        Assert.Equal(request.Sampling, options with { Stop = request.Sampling.Stop, LogitBias = request.Sampling.LogitBias });
    }

    [Fact]
    public void Events_ComeBackAsWhatTheyWere()
    {
        TurnEventMessage[] events =
        [
            new TurnStartedMessage("s", "t", 10, 3, [4, 5], "r", 6),
            new TurnDeltaMessage(2, [new TokenMessage(7, -0.5f, [new TopTokenMessage(8, -1)])], "w"),
            new TurnFinishedMessage(FinishReason.Cancelled, 1, 2, 3, new TimingsMessage(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.Zero)),
            new TurnWaitingMessage(),
        ];

        var back = events.Select(Again).ToArray();

        Assert.Equal([4, 5], Assert.IsType<TurnStartedMessage>(back[0]).ImageTokens);
        var token = Assert.Single(Assert.IsType<TurnDeltaMessage>(back[1]).Tokens);
        Assert.Equal((7, -0.5f, new TopTokenMessage(8, -1)), (token.Id, token.LogProb, Assert.Single(token.Top)));
        Assert.Equal(events[2..], back[2..]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(FeatureBytes.MaxLength)]
    public void FeatureBytes_ComeBackEqual(int length)
    {
        var data = new byte[length];
        new Random(1).NextBytes(data);

        var back = Assert.IsType<FeatureChunkMessage>(Again<FeatureMessage>(new FeatureChunkMessage(17, FeatureBytes.Borrow(data))));

        Assert.Equal(17, back.Offset);
        Assert.Equal(data, back.Bytes.Span.ToArray());
        back.Bytes.Dispose();
    }

    [Fact]
    public void FeatureBytes_LongerThanAllowed_AreNotRead()
    {
        var written = _serializer.SerializeToArray(FeatureBytes.Borrow(new byte[100]));
        // A length below 128 is one byte, shifted by one and odd; 2 MiB take four, shifted by four, and 8 marks them.
        var at = Array.IndexOf(written, (byte)((100 << 1) | 1));
        Assert.True(at > 0);
        byte[] damaged = [.. written[..at], .. BitConverter.GetBytes((2u << 20 << 4) | 8), .. written[(at + 1)..]];

        var error = Assert.Throws<InvalidOperationException>(() => _serializer.Deserialize<FeatureBytes>(damaged));

        Assert.Equal("A chunk of features has 2097152 bytes; at most 1048576 are sent.", error.Message);
    }

    [Fact]
    public void Refusal_KeepsCodeMessageAndDelay()
    {
        var back = Again<Exception>(new TurnRefusedException(RefusalCode.QueueFull, "full", TimeSpan.FromSeconds(3)));

        var refused = Assert.IsType<TurnRefusedException>(back);
        Assert.Equal((RefusalCode.QueueFull, "full", TimeSpan.FromSeconds(3)), (refused.Code, refused.Message, refused.RetryAfter));
    }

    [Fact]
    public void WireTypes_AllHaveAnAlias()
    {
        var without = typeof(TurnRequestMessage).Assembly.GetTypes()
            .Where(type => type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false) && !type.IsDefined(typeof(AliasAttribute), inherit: false));

        Assert.Empty(without);
    }

    private T Again<T>(T value) => _serializer.Deserialize<T>(_serializer.SerializeToArray(value))!;
}
