using LlavaCluster.Client;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Protos;
using LlavaCluster.Silo.Api;
using Xunit;
using FinishReason = LlavaCluster.Core.Engine.FinishReason;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>What those who ask again for a turn make of being told parts of it twice.</summary>
public sealed class ResumeTests
{
    [Fact]
    public void Client_BrokenAnywhere_HearsEachEventOnce()
    {
        ChatEvent[] whole =
        [
            new() { Started = new TurnStarted { SessionId = "s", TurnId = "t" } },
            new() { Delta = new Delta { Offset = 0, TokenIds = { 1, 2 }, Text = "ab" } },
            new() { Delta = new Delta { Offset = 2, TokenIds = { 3 }, Text = "" } },
            new() { Delta = new Delta { Offset = 3, Text = "rest" } },
            new() { Finished = new TurnFinished() },
        ];
        for (var broken = 1; broken < whole.Length; broken++)
        {
            var heard = new HeardTurn(new ChatRequest { TurnId = "t" });
            List<ChatEvent> came = [.. whole[..broken].Where(heard.Take)];
            var from = heard.Ask.ResumeFrom;
            came.AddRange(whole.Where(next => next.Delta is not { TokenIds.Count: > 0 } delta || delta.Offset >= from).Where(heard.Take));

            Assert.Equal(whole, came);
            Assert.Equal("s", heard.Ask.SessionId);
        }
    }

    [Fact]
    public void Relay_BrokenAnywhere_TellsEachEventOnce()
    {
        var (one, two) = (new TokenMessage(1, 0, []), new TokenMessage(2, 0, []));
        TurnEventMessage[] whole =
        [
            new TurnStartedMessage("s", "t", 1, 0, [], "r", 0),
            new TurnDeltaMessage(0, [one, two], "ab"),
            new TurnDeltaMessage(2, [one], ""),
            new TurnDeltaMessage(3, [], "rest"),
            new TurnFinishedMessage(FinishReason.Length, 1, 0, 3, TimingsMessage.None),
        ];
        for (var broken = 1; broken < whole.Length; broken++)
        {
            var relayed = new RelayedTurn(new TurnRequestMessage { TurnId = "t", Parts = [] });
            List<TurnEventMessage> came = [.. whole[..broken].Prepend(new TurnWaitingMessage()).Where(relayed.Take)];
            var from = relayed.Request.ResumeFrom;
            came.AddRange(whole.Where(next => next is not TurnDeltaMessage { Tokens.Count: > 0 } delta || delta.Offset >= from).Where(relayed.Take));

            Assert.Equal(whole, came);
        }
    }
}
