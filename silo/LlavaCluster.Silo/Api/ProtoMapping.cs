using Google.Protobuf.WellKnownTypes;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Protos;
using CoreReason = LlavaCluster.Core.Engine.FinishReason;

namespace LlavaCluster.Silo.Api;

/// <summary>Messages of <c>llava.proto</c> to and from those of the grains.</summary>
internal static class ProtoMapping
{
    /// <summary>How tokens are chosen; absent fields have their defaults.</summary>
    public static SamplingMessage ToMessage(SamplingOptions? sampling) => sampling is null ? new() : new()
    {
        Temperature = sampling.Temperature,
        TopK = sampling.TopK,
        TopP = sampling.HasTopP ? sampling.TopP : 1,
        MinP = sampling.MinP,
        RepetitionPenalty = sampling.HasRepetitionPenalty ? sampling.RepetitionPenalty : 1,
        PresencePenalty = sampling.PresencePenalty,
        FrequencyPenalty = sampling.FrequencyPenalty,
        LogitBias = new Dictionary<int, float>(sampling.LogitBias),
        Seed = sampling.HasSeed ? sampling.Seed : null,
        Stop = [.. sampling.Stop],
        LogProbs = sampling.HasLogprobs ? sampling.Logprobs : null,
    };

    /// <summary>An event of a turn.</summary>
    /// <param name="what">The event.</param>
    /// <param name="withLogProbs">Log-probabilities were asked for.</param>
    public static ChatEvent ToProto(TurnEventMessage what, bool withLogProbs) => what switch
    {
        TurnStartedMessage started => new ChatEvent { Started = Started(started) },
        TurnDeltaMessage delta => new ChatEvent { Delta = Delta(delta, withLogProbs) },
        TurnFinishedMessage finished => new ChatEvent { Finished = Finished(finished) },
        _ => throw new InvalidOperationException($"{what.GetType().Name} has no form in llava.proto."),
    };

    /// <summary>A conversation.</summary>
    public static Session ToProto(SessionMessage session)
    {
        var proto = new Session
        {
            SessionId = session.Session,
            System = session.System ?? "",
            RunningTurnId = session.RunningTurn ?? "",
            Tokens = session.Tokens,
            ContextTokens = session.MaxTokens,
        };
        proto.Turns.AddRange(session.Turns.Select(ToProto));
        return proto;
    }

    private static TurnStarted Started(TurnStartedMessage started)
    {
        var proto = new TurnStarted
        {
            SessionId = started.Session,
            TurnId = started.TurnId,
            PromptTokens = started.PromptTokens,
            CachedTokens = started.CachedTokens,
            Replica = started.Replica,
            Seed = started.Seed,
        };
        proto.ImageTokens.AddRange(started.ImageTokens);
        return proto;
    }

    private static Delta Delta(TurnDeltaMessage delta, bool withLogProbs)
    {
        var proto = new Delta { Offset = delta.Offset, Text = delta.Text };
        proto.TokenIds.AddRange(delta.Tokens.Select(t => t.Id));
        if (withLogProbs)
        {
            proto.Logprobs.AddRange(delta.Tokens.Select(LogProb));
        }

        return proto;
    }

    private static TokenLogProb LogProb(TokenMessage token)
    {
        var proto = new TokenLogProb { Logprob = token.LogProb };
        proto.Top.AddRange(
            token.Top.Select(t => new TokenLogProb.Types.Candidate { TokenId = t.Id, Logprob = t.LogProb }));
        return proto;
    }

    private static TurnFinished Finished(TurnFinishedMessage finished) => new()
    {
        Reason = ToProto(finished.Reason),
        Usage = new Usage
        {
            PromptTokens = finished.PromptTokens,
            CachedTokens = finished.CachedTokens,
            GeneratedTokens = finished.CompletionTokens,
        },
        Timings = new Timings
        {
            Queued = finished.Timings.Queued.TotalSeconds,
            Prefill = finished.Timings.Prefill.TotalSeconds,
            Decode = finished.Timings.Decode.TotalSeconds,
            Preemptions = finished.Timings.Preemptions,
        },
    };

    private static Turn ToProto(TranscriptTurnMessage turn)
    {
        var proto = new Turn
        {
            TurnId = turn.TurnId,
            Answer = turn.Answer,
            AnswerTokens = turn.AnswerTokens,
            Reason = turn.Reason is { } reason ? ToProto(reason) : FinishReason.Unspecified,
            StartedAt = Timestamp.FromDateTimeOffset(turn.StartedAt),
            EndedAt = turn.EndedAt is { } end ? Timestamp.FromDateTimeOffset(end) : null,
        };
        proto.Parts.AddRange(
            turn.Parts.Select(p => p.Image is { } hash ? new Part { ImageSha256 = hash } : new Part { Text = p.Text }));
        return proto;
    }

    private static FinishReason ToProto(CoreReason reason) => reason switch
    {
        CoreReason.Stop => FinishReason.Stop,
        CoreReason.Length => FinishReason.Length,
        CoreReason.Cancelled => FinishReason.Cancelled,
        _ => FinishReason.Failed,
    };
}
