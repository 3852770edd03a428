namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// Every fault of every role at every moment of a turn: killed, and frozen for 3 and for 30 s. Of each role there are two, so that the other
/// one can take over: no client may wait longer than for that. Each scene strikes when turns are at its moment where the fault is.
/// </summary>
internal static class FaultMatrix
{
    private const double KillRecovery = 2, FreezeRecovery = 4, RestartRecovery = 20;

    private static readonly Talks Clients = new(64, 4, 40) { HasOwnPictures = true };

    private static IReadOnlyList<Victim> Victims { get; } =
    [
        new("gateway", "gateway-1", [Silo("gateway-0", "gateway"), Silo("gateway-1", "gateway"), Silo("engine-0", "encoder,decoder")]),
        new("encoder", "encoder-0", [Silo("gateway-0", "gateway,decoder"), Silo("encoder-0", "encoder"), Silo("encoder-1", "encoder")])
        {
            Serves = "gateway-0",
            Encoder = "encoder-0",
        },
        new("decoder", "decoder-1", [Silo("gateway-0", "gateway,encoder"), Silo("decoder-0", "decoder"), Silo("decoder-1", "decoder")]),
        new("leader", "rank-0", TwoRanks) { Serves = "pair", Ranks = 2 },
        new("follower", "rank-1", TwoRanks) { Serves = "pair", Ranks = 2 },
    ];

    /// <summary>A replica of two processes, and one of one process that is split alike.</summary>
    private static IReadOnlyList<SiloPlan> TwoRanks =>
    [
        Silo("gateway-0", "gateway,encoder"),
        Silo("rank-0", "decoder", "--rank", "0", "--tp", "2") with { Replica = "pair" },
        Silo("rank-1", "decoder", "--rank", "1", "--tp", "2") with { Replica = "pair" },
        Silo("decoder-0", "decoder", "--tp", "2"),
    ];

    /// <summary>All of them.</summary>
    public static IEnumerable<Scene> All =>
    [
        .. Victims.SelectMany(victim => Enum.GetValues<Moment>().Select(moment => Kill(victim, moment))),
        .. Enum.GetValues<Moment>().Select(KillAll),
        .. new[] { 3, 30 }.SelectMany(seconds => Victims.Where(victim => victim.Name != "leader")
            .SelectMany(victim => Enum.GetValues<Moment>().Select(moment => Freeze(victim, moment, seconds)))),
    ];

    private static Scene Kill(Victim victim, Moment moment) =>
        new($"kill-{victim.Name}@{Word(moment)}", $"kill −9 of {victim.Article} {victim.Name} in the middle of {Middle(moment)}; another one is there")
        {
            Silos = victim.Silos,
            Talks = Clients,
            Ranks = victim.Ranks,
            Acts = [.. Until(victim, moment), new Act.Kill(victim.Silo), new Act.Recovered(KillRecovery), new Act.Start()],
        };

    private static Scene KillAll(Moment moment) =>
        new($"kill-all@{Word(moment)}", $"kill −9 of every silo at once in the middle of {Middle(moment)}; all are started again")
        {
            Silos = [Silo("node-0", "gateway,encoder,decoder"), Silo("node-1", "gateway,encoder,decoder")],
            Talks = Clients,
            Acts = [.. Until(null, moment), new Act.Kill(), new Act.Start(), new Act.Recovered(RestartRecovery)],
        };

    private static Scene Freeze(Victim victim, Moment moment, int seconds) =>
        new($"freeze-{victim.Name}-{seconds}@{Word(moment)}", $"SIGSTOP of {victim.Article} {victim.Name} for {seconds} s in the middle of {Middle(moment)}")
        {
            Silos = victim.Silos,
            Talks = Clients,
            Ranks = victim.Ranks,
            Acts = [.. Until(victim, moment), new Act.Freeze(victim.Silo, seconds), new Act.Recovered(FreezeRecovery)],
        };

    /// <summary>Turns are at that moment where the fault will be.</summary>
    private static IEnumerable<Act> Until(Victim? victim, Moment moment) => moment switch
    {
        // The first answers have come: by then all parts have found each other and have warmed up.
        Moment.Image => [new Act.When(Moment.Decode, 1), new Act.When(Moment.Image, 1), new Act.WhenEncoding(victim?.Encoder)],
        _ => [new Act.When(moment, 1) { At = victim?.Where }],
    };

    private static string Word(Moment moment) => moment.ToString().ToLowerInvariant();

    private static string Middle(Moment moment) => moment == Moment.Image ? "an image" : Word(moment);

    private static SiloPlan Silo(string name, string roles, params string[] flags) => Scenes.Silo(name, roles, flags);

    /// <summary>Who is struck, in a cluster where another one of its kind is.</summary>
    /// <param name="Name">What it is.</param>
    /// <param name="Silo">Its silo.</param>
    /// <param name="Silos">The cluster.</param>
    private sealed record Victim(string Name, string Silo, IReadOnlyList<SiloPlan> Silos)
    {
        /// <summary>The gateway or replica whose turns it meets, where that has not its silo's name.</summary>
        public string? Serves { get; init; }

        /// <summary>Its encoder; null: it is none, and whichever encodes will do.</summary>
        public string? Encoder { get; init; }

        /// <summary>Ranks of the replicas.</summary>
        public int Ranks { get; init; } = 1;

        public string Where => Serves ?? Silo;

        public string Article => Name == "encoder" ? "an" : "a";
    }
}
