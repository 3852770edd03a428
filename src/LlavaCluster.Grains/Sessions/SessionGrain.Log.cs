using LlavaCluster.Core.Engine;
using LlavaCluster.Grains.Contracts;
using Microsoft.Extensions.Logging;

namespace LlavaCluster.Grains.Sessions;

/// <summary>What a session logs: one line per turn's acceptance, end or refusal. Clients' mistakes are information.</summary>
internal sealed partial class SessionGrain
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Session {Session}: turn {Turn} accepted with {PromptTokens} tokens, {Answered} of its answer, by replica {Replica}.")]
    private partial void LogAccepted(string session, string turn, int promptTokens, int answered, string replica);

    [LoggerMessage(Level = LogLevel.Information, Message = "Session {Session}: turn {Turn} ended ({Reason}) with {Tokens} tokens.")]
    private partial void LogEnded(string session, string turn, FinishReason reason, int tokens);

    [LoggerMessage(Level = LogLevel.Information, Message = "Session {Session}: turn {Turn} refused ({Code}): {Why}")]
    private partial void LogRefused(string session, string turn, RefusalCode code, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "Session {Session} was deleted.")]
    private partial void LogDeleted(string session);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Session {Session}: another activation wrote to the log; this one leaves.")]
    private partial void LogFenced(string session, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Session {Session}: turn {Turn} has no replica after {Tokens} tokens; it waits for one. {Why}")]
    private partial void LogWaits(string session, string turn, int tokens, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "Session {Session}: turn {Turn} was cut off; it stays open in the log.")]
    private partial void LogLost(string session, string turn, Exception error);

    [LoggerMessage(Level = LogLevel.Information, Message = "Session {Session} was not used since {UsedBefore:u} and is gone.")]
    private partial void LogExpired(string session, DateTimeOffset usedBefore);

    [LoggerMessage(Level = LogLevel.Information, Message = "Session {Session} was copied to {Fork}, up to turn '{Turn}'.")]
    private partial void LogForked(string session, string fork, string turn);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Session {Session}: its log cannot be had now.")]
    private partial void LogUnavailable(string session, Exception error);
}
