using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Grains.Fleet;
using Microsoft.Extensions.Logging;

namespace LlavaCluster.Grains.Decoding;

/// <summary>Writes what an engine tells into log and metrics. No line per token.</summary>
internal sealed partial class EngineLog(ILogger<EngineLog> logger, Instruments instruments, SiloGauges gauges) : IEngineObserver
{
    /// <inheritdoc/>
    public void StepFailed(IReadOnlyList<string> sequences, Exception error) => LogStep(string.Join(", ", sequences), error);

    /// <inheritdoc/>
    public void ImageFailed(string image, IReadOnlyList<string> sequences, Exception error) =>
        LogImage(image, string.Join(", ", sequences), error.Message);

    /// <inheritdoc/>
    public void SequenceAbandoned(string sequence, TimeSpan unread) => LogAbandoned(sequence, unread.TotalSeconds);

    /// <inheritdoc/>
    public void LoopFailed(Exception error) => LogLoop(error);

    /// <inheritdoc/>
    public void Preempted(string sequence, int computed)
    {
        instruments.OnPreempted();
        LogPreempted(sequence, computed);
    }

    /// <inheritdoc/>
    public void MoveFailed(TierMove move, Exception error) => LogMove(move.GetType().Name, error.Message);

    /// <inheritdoc/>
    public void Moved(TierCounts counts) => instruments.OnTiers(counts);

    /// <inheritdoc/>
    public void Fetched(IReadOnlyList<string> sequences, int blocks, KvDelivery delivery, KvMoveCounts counts)
    {
        instruments.OnMoves(counts);
        var names = string.Join(", ", sequences);
        if (delivery.Why is not null || delivery.Damaged > 0)
        {
            LogNotFetched(names, delivery.Arrived.Count, blocks, delivery.Damaged, delivery.Why ?? "the other replica has no more.");
        }
        else
        {
            LogFetched(names, delivery.Arrived.Count, blocks, delivery.Took.TotalMilliseconds);
        }
    }

    /// <inheritdoc/>
    public void StepDone(int tokens, int sampled, TimeSpan took)
    {
        gauges.CountStep(tokens, sampled);
        instruments.OnStep(tokens, took);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A step failed for {Sequences}.")]
    private partial void LogStep(string sequences, Exception error);

    [LoggerMessage(Level = LogLevel.Information, Message = "Image {Image} cannot be had for {Sequences}: {Why}")]
    private partial void LogImage(string image, string sequences, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "Sequence {Sequence} was dropped: nobody read its tokens for {Seconds:F0} s.")]
    private partial void LogAbandoned(string sequence, double seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "Sequence {Sequence} gave the KV blocks of {Computed} tokens to an older one; it waits for room.")]
    private partial void LogPreempted(string sequence, int computed);

    [LoggerMessage(Level = LogLevel.Warning, Message = "KV blocks could not be moved ({Move}) and will be computed again when they are needed: {Why}")]
    private partial void LogMove(string move, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Arrived} of {Blocks} KV blocks for {Sequences} came from another replica in {Milliseconds:F1} ms.")]
    private partial void LogFetched(string sequences, int arrived, int blocks, double milliseconds);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Arrived} of {Blocks} KV blocks for {Sequences} came from another replica, {Damaged} damaged; the others are computed: {Why}")]
    private partial void LogNotFetched(string sequences, int arrived, int blocks, int damaged, string why);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The decode loop has ended.")]
    private partial void LogLoop(Exception error);
}
