using System.Buffers.Binary;
using LlavaCluster.Cluster.Tests.Processes;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>The time of day of a scene's silos, which can be set: a small library before the system's own (tests/fakes/clock).</summary>
internal sealed class ShiftedClock : Ground
{
    private static readonly ScratchFolder Scratch = new();
    private static readonly string Library = Scratch.Of("libclock.so"), Offset = Scratch.Of("offset");

    /// <summary>A silo that has this time.</summary>
    public static SiloPlan On(SiloPlan plan) => plan with { Under = ["env", $"LD_PRELOAD={Library}", $"CLOCK_OFFSET={Offset}"] };

    /// <inheritdoc/>
    public override Task<string?> LayAsync(string folder)
    {
        Set(0);
        return TryAsync("gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", Library, Path.Combine(AppContext.BaseDirectory, "clock.c"));
    }

    /// <inheritdoc/>
    public override Task LiftAsync()
    {
        Scratch.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>In place: the silos look at the file's bytes.</summary>
    private static void Set(long seconds)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, seconds);
        using var file = new FileStream(Offset, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        file.Write(bytes);
    }

    /// <summary>The clock jumps by so many seconds, and after a while back again.</summary>
    public sealed record Jump(long Seconds, double Back) : Act
    {
        /// <inheritdoc/>
        public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            await run.StrikeAsync(cancellationToken);
            Set(Seconds);
            await run.PauseAsync(TimeSpan.FromSeconds(Back), cancellationToken);
            Set(0);
            await run.PauseAsync(TimeSpan.FromSeconds(Back), cancellationToken);
        }
    }
}
