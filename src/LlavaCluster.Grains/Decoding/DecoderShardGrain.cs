using System.Runtime.CompilerServices;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Placement;

namespace LlavaCluster.Grains.Decoding;

/// <summary>The address of one rank's engine. Nothing is computed on its turns: sequences go to the engine's thread, events come back.</summary>
[OwnerPlacement(SiloRole.ShardKey), Immovable, KeepAlive, Reentrant]
internal sealed partial class DecoderShardGrain(
    IDecodeEngine engine,
    OpenStreams streams,
    LastServed served,
    KnownBeginnings beginnings,
    ClusterView view,
    KvGiving giving,
    TimeProvider time,
    ILogger<DecoderShardGrain> logger) : Grain, IDecoderShardGrain
{
    /// <summary>
    /// A sequence that is silent says so often that it still stands. When any silo dies, Orleans gives up the grains that the dead one had
    /// in its part of the directory, on silos that are well too. One that is given up waits for the calls that it has, and who reads a
    /// stream hears of it only when he asks for more: without beats after five seconds.
    /// </summary>
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public async IAsyncEnumerable<TokenEventMessage> Generate(
        SequenceMessage sequence, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var stream = streams.Open(sequence);
        using var until = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, streams.HandedOver);
        await using var events = Queue(sequence, until.Token);
        stream.Tokens = sequence.TokenIds.Count + sequence.Answered.Count;
        beginnings.Note(sequence.Beginnings);
        yield return new SequenceAcceptedMessage();
        Task<TokenEventMessage?>? reading = null;
        try
        {
            while (true)
            {
                reading = Next(sequence, events, cancellationToken);
                while (!await ComesSoon(reading, cancellationToken))
                {
                    yield return new SequenceAcceptedMessage();
                }

                if (await reading is not { } next)
                {
                    yield break;
                }

                stream.Tokens += (next as SequenceTokensMessage)?.Tokens.Count ?? 0;
                yield return next;
                if (next is SequenceEndedMessage)
                {
                    yield break;
                }
            }
        }
        finally
        {
            if (reading is { IsCompleted: false })
            {
                // Who listened left between two beats. Events must not be disposed while the next one is asked for.
                await until.CancelAsync();
                await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            }
        }
    }

    /// <inheritdoc/>
    public Task Forget(SequenceMessage conversation)
    {
        served.Remove(conversation.Session);
        return engine.ForgetAsync(conversation.ToRequest());
    }

    /// <inheritdoc/>
    public Task GiveAway(CancellationToken cancellationToken = default) => giving.GiveOwnAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<LoadMessage> Load()
    {
        var load = engine.Load;
        return Task.FromResult(new LoadMessage(load.Waiting, load.Running, load.FreeBlocks, load.TotalBlocks));
    }

    private IAsyncEnumerator<GenerationEvent> Queue(SequenceMessage sequence, CancellationToken cancellationToken)
    {
        try
        {
            var request = sequence.ToRequest() with { KvFrom = sequence.KvAt.Length > 0 ? view.KvOf(sequence.KvAt) : [] };
            return engine.GenerateAsync(request, cancellationToken).GetAsyncEnumerator(cancellationToken);
        }
        catch (SequenceRefusedException error)
        {
            throw Refused(error);
        }
    }

    /// <summary>False when a beat is due before it comes.</summary>
    private async Task<bool> ComesSoon(Task reading, CancellationToken cancellationToken)
    {
        await reading.WaitAsync(Beat, time, cancellationToken).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return reading.IsCompleted || cancellationToken.IsCancellationRequested;
    }

    private async Task<TokenEventMessage?> Next(
        SequenceMessage sequence, IAsyncEnumerator<GenerationEvent> events, CancellationToken cancellationToken)
    {
        try
        {
            return await events.MoveNextAsync() ? ToMessage(events.Current) : null;
        }
        catch (OperationCanceledException) when (streams.HandedOver.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw streams.Leaving();
        }
        catch (SequenceRefusedException error)
        {
            throw Refused(error);
        }
        catch (BadImageException error)
        {
            throw new TurnRefusedException(RefusalCode.InvalidArgument, error.Message);
        }
        catch (Exception error)
            when (error is OrleansException or EnumerationAbortedException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            // Not the turn's fault, nor the engine's: an encoder went away while it sent an image, for one. Another attempt heals that.
            LogLost(sequence.Name, error.Message);
            throw new TurnRefusedException(
                RefusalCode.Unavailable, "A part of the cluster went away while the turn waited for it. Try again in a moment.", RetryAfter);
        }
        catch (Exception error) when (error is not TurnRefusedException && !cancellationToken.IsCancellationRequested)
        {
            // An exception of any other kind may not cross to another silo; what it says is for the operator anyway.
            LogFailed(sequence.Name, error);
            return new SequenceEndedMessage(FinishReason.Failed, "", TimingsMessage.None);
        }
    }

    private static TokenEventMessage ToMessage(GenerationEvent what) => what switch
    {
        GenerationEvent.Started started => new SequenceStartedMessage(started.PromptTokens, started.CachedTokens),
        GenerationEvent.Generated generated => new SequenceTokensMessage(
            generated.Offset, [.. generated.Tokens.Select(TokenMessage.From)], generated.Text),
        GenerationEvent.Finished finished => new SequenceEndedMessage(
            finished.Reason,
            finished.Text,
            new TimingsMessage(
                finished.Timings.Queued, finished.Timings.Prefill, finished.Timings.Decode, finished.Timings.Preemptions)),
        _ => throw new InvalidOperationException($"An engine told of {what.GetType().Name}, which has no message."),
    };

    private static TurnRefusedException Refused(SequenceRefusedException error) => error.Reason switch
    {
        RefusalReason.NeverFits => new(RefusalCode.ContextExceeded, error.Message),
        RefusalReason.QueueFull => new(RefusalCode.QueueFull, error.Message, RetryAfter),
        _ => new(RefusalCode.Unavailable, error.Message, RetryAfter),
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sequence {Sequence} lost what it waited for: {Why}")]
    private partial void LogLost(string sequence, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "Sequence {Sequence} failed in the engine.")]
    private partial void LogFailed(string sequence, Exception error);
}
