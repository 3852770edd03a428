namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>This machine and a network namespace beside it, with one cable between them that can be pulled.</summary>
internal sealed class TwoNetworks : Ground
{
    private const string Here = "10.213.77.1", There = "10.213.77.2";

    private static readonly string Name = $"llava-{Environment.ProcessId}", Cable = $"llv{Environment.ProcessId}";

    /// <inheritdoc/>
    public override string Address => Here;

    /// <summary>A silo on the other side of the cable.</summary>
    public static SiloPlan Beyond(SiloPlan plan) => plan with { Address = There, Under = ["ip", "netns", "exec", Name] };

    /// <inheritdoc/>
    public override async Task<string?> LayAsync(string folder)
    {
        foreach (var line in (string[])
        [
            $"netns add {Name}",
            $"link add {Cable} type veth peer name far netns {Name}",
            $"addr add {Here}/30 dev {Cable}",
            $"link set {Cable} up",
            $"-n {Name} addr add {There}/30 dev far",
            $"-n {Name} link set far up",
            $"-n {Name} link set lo up",
        ])
        {
            if (await TryAsync("ip", line.Split(' ')) is { } reason)
            {
                return reason;
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public override Task LiftAsync() => TryAsync("ip", "netns", "del", Name);

    private static async Task SetAsync(string state)
    {
        // The far end: this one keeps its address while nothing comes through.
        if (await TryAsync("ip", "-n", Name, "link", "set", "far", state) is { } reason)
        {
            throw new SceneFailedException(reason);
        }
    }

    /// <summary>The cable is pulled for some seconds; the silo beyond it finds itself excluded and is started anew.</summary>
    public sealed record Cut(string Beyond, double Seconds) : Act
    {
        /// <inheritdoc/>
        public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            await run.StrikeAsync(cancellationToken);
            run.Cluster[Beyond].MayEnd();
            await SetAsync("down");
            await run.PauseAsync(TimeSpan.FromSeconds(Seconds), cancellationToken);
            await SetAsync("up");
            await run.SettleAsync(run.Cluster[Beyond], Excluded, cancellationToken);
        }
    }
}
