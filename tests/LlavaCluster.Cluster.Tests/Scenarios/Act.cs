namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>One step of a scene, while its clients talk.</summary>
internal abstract record Act
{
    /// <summary>A silo that is excluded hears of it and ends within so long, also on a busy machine.</summary>
    protected static readonly TimeSpan Excluded = TimeSpan.FromSeconds(15);

    /// <summary>Does it.</summary>
    /// <exception cref="SceneFailedException">What must hold does not.</exception>
    public abstract Task RunAsync(SceneRun run, CancellationToken cancellationToken);

    /// <summary>Waits until so many streams are at such a moment at once; the next fault strikes when they are.</summary>
    public sealed record When(Moment Moment, int Streams) : Act
    {
        /// <summary>Only those that come through this gateway or are answered by this replica; null: all.</summary>
        public string? At { get; init; }

        /// <inheritdoc/>
        public override Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            run.Due = this;
            return run.MomentAsync(
                run.Watch.UntilAsync(Moment, Streams, At, cancellationToken),
                $"{Streams} of their turns were in {Moment.ToString().ToLowerInvariant()}{(At is null ? "" : $" at {At}")}");
        }
    }

    /// <summary>Waits until an encoder has tiles to encode.</summary>
    /// <param name="Encoder">Its name; null: any.</param>
    public sealed record WhenEncoding(string? Encoder) : Act
    {
        /// <summary>The encoders' own reports come ten times a second.</summary>
        private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

        /// <inheritdoc/>
        public override Task RunAsync(SceneRun run, CancellationToken cancellationToken) =>
            run.MomentAsync(UntilAsync(run, cancellationToken), $"{Encoder ?? "an encoder"} had tiles to encode");

        private async Task UntilAsync(SceneRun run, CancellationToken cancellationToken)
        {
            while (!(await run.FleetNowAsync(cancellationToken)).Silos.Any(
                silo => silo.Encoder is { TilesOutstanding: > 0 } encoder && (Encoder is null || encoder.Name == Encoder)))
            {
                await run.PauseAsync(Look, cancellationToken);
            }
        }
    }

    /// <summary>kill −9 of these silos, all at once; of every silo when none is named.</summary>
    public sealed record Kill(params string[] Silos) : Act
    {
        /// <inheritdoc/>
        public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            await run.StrikeAsync(cancellationToken);
            await Task.WhenAll(run.Named(Silos).Select(silo => silo.KillAsync()));
        }
    }

    /// <summary>Starts again whatever does not run.</summary>
    public sealed record Start : Act
    {
        /// <inheritdoc/>
        public override Task RunAsync(SceneRun run, CancellationToken cancellationToken) => run.Cluster.StartAllAsync(cancellationToken);
    }

    /// <summary>SIGTERM, exit code 0, start again: each of these silos, one after the other; every silo when none is named.</summary>
    public sealed record Restart(params string[] Silos) : Act
    {
        /// <inheritdoc/>
        public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            foreach (var silo in run.Named(Silos))
            {
                await run.StrikeAsync(cancellationToken);
                await silo.TerminateAsync();
                await silo.StartAsync(cancellationToken);
            }
        }
    }

    /// <summary>
    /// SIGSTOP for some seconds. A silo that was excluded meanwhile ends when it moves again, as it should, and is started anew as a
    /// supervisor would.
    /// </summary>
    public sealed record Freeze(string Silo, double Seconds) : Act
    {
        /// <inheritdoc/>
        public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            var silo = run.Cluster[Silo];
            await run.StrikeAsync(cancellationToken);
            silo.Freeze();
            await run.PauseAsync(TimeSpan.FromSeconds(Seconds), cancellationToken);
            silo.Thaw();
            // So short a time does not always exclude it.
            await run.SettleAsync(silo, Seconds < 10 ? TimeSpan.FromSeconds(6) : Excluded, cancellationToken);
        }
    }

    /// <summary>Redis is killed and started again, with what it had on its disk.</summary>
    public sealed record RestartRedis : Act
    {
        /// <inheritdoc/>
        public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            await run.StrikeAsync(cancellationToken);
            await run.Cluster.Redis.KillAsync();
            await run.Cluster.Redis.StartAsync();
        }
    }

    /// <summary>SIGSTOP of Redis for some seconds.</summary>
    public sealed record FreezeRedis(double Seconds) : Act
    {
        /// <inheritdoc/>
        public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            await run.StrikeAsync(cancellationToken);
            run.Cluster.Redis.Freeze();
            await run.PauseAsync(TimeSpan.FromSeconds(Seconds), cancellationToken);
            run.Cluster.Redis.Thaw();
        }
    }

    /// <summary>
    /// All is well again: waits until every turn that a fault has met goes on. No client may have waited longer for its next token than
    /// this, and what computing anew takes (<see cref="Expected.First"/>).
    /// </summary>
    public sealed record Recovered(double WithinSeconds) : Act
    {
        /// <inheritdoc/>
        public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            run.Watch.Calm();
            await run.Watch.RecoveredAsync(cancellationToken);
            var (took, allowed) = (run.Watch.WorstRecovery.TotalSeconds, (WithinSeconds * run.Slack) + run.Prefill.TotalSeconds);
            run.Require(took <= allowed, $"a turn waited {took:F1} s for its next token after a fault; {allowed:F1} s are allowed");
        }
    }
}
