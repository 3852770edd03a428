using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Tests.Fakes;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A shard, or a session, that tells nothing yet says that it still stands: who waits learns soon when it does not.</summary>
public sealed class BeatTests(FakeCluster cluster) : IClassFixture<FakeCluster>
{
    [Fact]
    public async Task Generate_NoTokenComes_SaysAgainThatItStands()
    {
        var gate = new StepGate();
        cluster.Runner.BeforeStep = gate.Pass;
        var said = new List<TokenEventMessage>();
        await foreach (var next in Shard.Generate(Sequence("beat/a")).Bounded())
        {
            said.Add(next);
            if (said.Count(what => what is SequenceAcceptedMessage) == 3)
            {
                gate.Open();
            }
        }

        Assert.IsType<SequenceAcceptedMessage>(said[0]);
        Assert.IsType<SequenceEndedMessage>(said[^1]);
        Assert.Equal(2, said.OfType<SequenceTokensMessage>().Sum(tokens => tokens.Tokens.Count));
    }

    [Fact]
    public async Task Chat_NoTokenComes_SaysAgainThatItIsThere()
    {
        var gate = new StepGate();
        cluster.Runner.BeforeStep = gate.Pass;
        var said = new List<TurnEventMessage>();
        await foreach (var next in cluster.Session("beat-c").Chat(FakeCluster.Turn("a", "one") with { TellSilences = true }).Bounded())
        {
            said.Add(next);
            if (said.Count(what => what is TurnWaitingMessage) == 2)
            {
                gate.Open();
            }
        }

        Assert.IsType<TurnFinishedMessage>(said[^1]);
        Assert.Equal(new Answers.Mirror().Next("one", []), said.Tokens());
    }

    [Fact]
    public async Task Generate_ListenerLeavesBetweenTwoBeats_TheEngineIsFree()
    {
        var gate = new StepGate();
        cluster.Runner.BeforeStep = gate.Pass;
        var said = 0;
        await foreach (var _ in Shard.Generate(Sequence("beat/b")).Bounded())
        {
            if (++said == 3)
            {
                break;
            }
        }

        gate.Open();
        await cluster.IdleAsync();
    }

    private IDecoderShardGrain Shard => cluster.Grains.GetGrain<IDecoderShardGrain>(new SiloRole().Shard);

    private static SequenceMessage Sequence(string name) => new()
    {
        Name = name,
        Session = "beat",
        TokenIds = [10, 11, 12],
        Images = [],
        Encoders = new Dictionary<string, string>(),
        Sampling = new SamplingMessage(),
        Seed = 1,
        Turn = 0,
        MaxTokens = 2,
    };
}
