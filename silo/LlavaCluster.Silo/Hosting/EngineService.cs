using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// Starts and stops the process's engines. Registered before the silo: hosted services start in order and stop in
/// reverse, so that
/// engines are warm before a grain asks them, and outlive the grains.
/// </summary>
internal sealed partial class EngineService(
    EngineSet engines, ServedModel model, TimeProvider time, ILogger<EngineService> logger) : IHostedService
{
    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        await ProgressDisplay.RunAsync(
            "Loading the weights", progress => engines.StartAsync(progress, cancellationToken), time);
        await WarmUpAsync(cancellationToken);
        LogReady(model.Name, time.GetElapsedTime(began).TotalSeconds, engines.Decoder?.Capacity.BlockCount ?? 0);
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken) => await engines.DisposeAsync();

    /// <summary>One token, so that the first user does not wait for the compiler and for untouched pages.</summary>
    private async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        if (engines.Decoder is null)
        {
            return;
        }

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
        await foreach (var _ in engines.Decoder.GenerateAsync(request, cancellationToken))
        {
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Model {Model} loaded in {Seconds:F1} s; {Blocks} KV blocks.")]
    private partial void LogReady(string model, double seconds, int blocks);
}
