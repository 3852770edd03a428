using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// Starts and stops the process's engines. Registered before the silo: hosted services start in order and stop in
/// reverse, so that
/// engines are warm before a grain asks them, and outlive the grains.
/// </summary>
internal sealed partial class EngineService(
    EngineSet engines, ServedModel model, TimeProvider time, ILogger<EngineService> logger, ServedRank? rank = null, KvServer? lending = null)
    : IHostedService
{
    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        await ProgressDisplay.RunAsync(
            "Loading the weights", progress => LoadAsync(progress, cancellationToken), time);
        if (engines.Decoder is { } decoder)
        {
            await WarmUpAsync(decoder, model, cancellationToken);
        }

        LogReady(model.Name, time.GetElapsedTime(began).TotalSeconds, engines.Decoder?.Capacity.BlockCount ?? rank?.KvBlocks ?? 0);
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (lending is not null)
        {
            await lending.DisposeAsync();
        }

        await engines.DisposeAsync();
        if (rank is not null)
        {
            await rank.DisposeAsync();
        }
    }

    /// <summary>One token, so that the first user does not wait for the compiler and for untouched pages.</summary>
    internal static async Task WarmUpAsync(DecodeLoop decoder, ServedModel model, CancellationToken cancellationToken)
    {
        var request = new SequenceRequest
        {
            Name = "warm-up",
            TokenIds = [model.Tokenizer.BosId ?? 0, model.Config.EosIds[0]],
            Images = [],
            Sampling = SamplingOptions.Greedy,
            Seed = 0,
            Turn = 0,
            MaxTokens = 2,
        };
        await foreach (var _ in decoder.GenerateAsync(request, cancellationToken))
        {
        }
    }

    private async Task LoadAsync(ILoadProgress progress, CancellationToken cancellationToken)
    {
        await engines.StartAsync(progress, cancellationToken);
        if (rank is not null)
        {
            await rank.Seat.PrepareAsync(cancellationToken);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Model {Model} loaded in {Seconds:F1} s; {Blocks} KV blocks.")]
    private partial void LogReady(string model, double seconds, int blocks);
}
