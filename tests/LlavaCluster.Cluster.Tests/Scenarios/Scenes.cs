namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>All scenes.</summary>
internal static class Scenes
{
    private const string Whole = "gateway,encoder,decoder";

    private static readonly Talks Full = new(64, 4, 40);
    private static readonly Talks Pictures = Full with { HasOwnPictures = true };
    private static readonly Talks Small = new(12, 3, 40);
    private static readonly Talks Many = new(200, 6, 8) { HasOwnPictures = true };
    private static readonly Talks Nobody = new(0, 0, 40);
    private static readonly Act Decoding = new Act.When(Moment.Decode, 4);
    private static readonly SmallDisk Disk = new("node-0", 16);

    private static IReadOnlyList<SiloPlan> TwoGateways =>
        [Silo("gateway-0", "gateway"), Silo("gateway-1", "gateway"), Silo("engine-0", "encoder,decoder")];

    private static IReadOnlyList<SiloPlan> Fleet =>
    [
        Silo("gateway-0", "gateway"), Silo("gateway-1", "gateway"), Silo("gateway-2", "gateway"),
        Silo("encoder-0", "encoder"), Silo("encoder-1", "encoder"),
        .. Enumerable.Range(0, 3).Select(i => Silo($"decoder-{i}", "decoder", "--kv-cache-mib", "400")),
    ];

    /// <summary>In the order in which they are played.</summary>
    public static IReadOnlyList<Scene> All { get; } =
    [
        new("quiet", "nothing happens: what the others are measured against")
        {
            Silos = [Silo("gateway-0", "gateway"), Silo("gateway-1", "gateway"), Silo("encoder-0", "encoder"), Silo("decoder-0", "decoder")],
            Talks = Full,
            Acts = [],
        },
        new("kill-gateway", "kill −9 of one of two gateways while tokens come")
        {
            Silos = TwoGateways,
            Talks = Full,
            Short = Small,
            Acts = [Decoding, new Act.Kill("gateway-1"), new Act.Recovered(2), new Act.Start()],
        },
        new("kill-home", "kill −9 of a gateway that clients do not call, where half of their sessions live: no stream breaks")
        {
            Silos = TwoGateways,
            Talks = Full,
            Called = "gateway-0",
            IsUnbroken = true,
            Acts = [Decoding, new Act.Kill("gateway-1"), new Act.Recovered(2), new Act.Start()],
        },
        new("drain", "SIGTERM of a decoder, then of a gateway where half of the sessions live: no stream breaks")
        {
            Silos =
            [
                Silo("gateway-0", "gateway,encoder"), Silo("gateway-1", "gateway"), Silo("decoder-0", "decoder"), Silo("decoder-1", "decoder"),
            ],
            Talks = Full,
            Called = "gateway-0",
            IsUnbroken = true,
            Acts = [Decoding, new Act.Restart("decoder-1", "gateway-1"), new Act.Recovered(2)],
        },
        new("kill-decoder", "kill −9 of the only decoder while tokens come; it is started again")
        {
            Silos = [Silo("gateway-0", "gateway,encoder"), Silo("decoder-0", "decoder")],
            Talks = Full,
            Short = Small,
            Acts = [Decoding, new Act.Kill("decoder-0"), new Act.Start(), new Act.Recovered(15)],
        },
        new("kill-follower", "kill −9 of the rank that follows in a replica of two processes, while tokens come; it is started again")
        {
            Silos =
            [
                Silo("gateway-0", "gateway,encoder"),
                Silo("rank-0", "decoder", "--rank", "0", "--tp", "2") with { Replica = "pair" },
                Silo("rank-1", "decoder", "--rank", "1", "--tp", "2") with { Replica = "pair" },
            ],
            Talks = Full,
            Ranks = 2,
            Acts = [Decoding, new Act.Kill("rank-1"), new Act.Start(), new Act.Recovered(15)],
        },
        new("kill-encoder", "kill −9 of one of two encoders while it has pictures")
        {
            Silos = [Silo("gateway-0", "gateway,decoder"), Silo("encoder-0", "encoder"), Silo("encoder-1", "encoder")],
            Talks = Pictures,
            Short = Small with { HasOwnPictures = true },
            Acts = [new Act.When(Moment.Image, 2), new Act.WhenEncoding("encoder-0"), new Act.Kill("encoder-0"), new Act.Recovered(2)],
        },
        new("kill-all", "kill −9 of every silo at once; all are started again")
        {
            Silos = [Silo("node-0", Whole), Silo("node-1", Whole)],
            Talks = Full,
            Short = Small,
            Acts = [Decoding, new Act.Kill(), new Act.Start(), new Act.Recovered(20)],
        },
        new("freeze-gateway", "SIGSTOP of one of two gateways for 3 s")
        {
            Silos = TwoGateways,
            Talks = Full,
            Short = Small,
            Acts = [Decoding, new Act.Freeze("gateway-1", 3), new Act.Recovered(4)],
        },
        new("freeze-decoder", "SIGSTOP of the only decoder for 3 s")
        {
            Silos = [Silo("gateway-0", "gateway,encoder"), Silo("decoder-0", "decoder")],
            Talks = Full,
            Short = Small,
            Acts = [Decoding, new Act.Freeze("decoder-0", 3), new Act.Recovered(20)],
        },
        new("freeze-long", "SIGSTOP of one of two decoders for 30 s: it is excluded, and the other one takes its turns")
        {
            Silos = [Silo("gateway-0", "gateway,encoder"), Silo("decoder-0", "decoder"), Silo("decoder-1", "decoder")],
            Talks = Full,
            Acts = [Decoding, new Act.Freeze("decoder-1", 30), new Act.Recovered(8)],
        },
        new("freeze-encoder", "SIGSTOP of the only encoder for 3 s")
        {
            Silos = [Silo("gateway-0", "gateway,decoder"), Silo("encoder-0", "encoder")],
            Talks = Pictures,
            Acts = [new Act.When(Moment.Image, 2), new Act.WhenEncoding("encoder-0"), new Act.Freeze("encoder-0", 3), new Act.Recovered(20)],
        },
        new("restart-redis", "Redis is killed and started again")
        {
            Silos = [Silo("node-0", Whole)],
            Talks = Full,
            Short = Small,
            Acts = [Decoding, new Act.RestartRedis(), new Act.Recovered(4)],
        },
        new("freeze-redis", "Redis does not move for 5 s")
        {
            Silos = [Silo("node-0", Whole)],
            Talks = Full,
            Short = Small,
            Acts = [Decoding, new Act.FreezeRedis(5), new Act.Recovered(8)],
        },
        new("flush-redis", "what Redis knows of the membership is deleted")
        {
            Silos = TwoGateways,
            Talks = Full,
            Acts = [Decoding, new RedisActs.FlushMembership(), new Act.Recovered(30)],
        },
        new("lose-redis", "Redis is gone for 15 s, longer than anybody waits for it, and comes back")
        {
            Silos = [Silo("node-0", Whole)],
            Talks = Full,
            Acts = [Decoding, new RedisActs.Lose(15), new Act.Recovered(35)],
        },
        new("full-disk", "the disk of the data folder is full for 5 s")
        {
            Silos = [Silo("node-0", Whole, "--kv-disk-mib", "0")],
            Talks = Full,
            Ground = Disk,
            Store = "files",
            Acts = [Decoding, new SmallDisk.Full(Disk, 5), new Act.Recovered(10)],
        },
        new("clock-jump", "the time of day of every silo jumps by an hour, and back")
        {
            Silos = [.. TwoGateways.Select(ShiftedClock.On)],
            Talks = Full,
            Ground = new ShiftedClock(),
            IsUnbroken = true,
            Acts = [Decoding, new ShiftedClock.Jump(3600, 3), new Act.Recovered(4)],
        },
        new("partition", "one of two decoders is cut off from the others and from Redis for 10 s")
        {
            Silos =
            [
                Silo("gateway-0", "gateway,encoder"), Silo("decoder-0", "decoder"), TwoNetworks.Beyond(Silo("decoder-1", "decoder")),
            ],
            Talks = Full,
            Ground = new TwoNetworks(),
            Acts = [Decoding, new TwoNetworks.Cut("decoder-1", 10), new Act.Recovered(8)],
        },
        new("one-gateway", "many conversations through one of three gateways, to three decoders and two encoders: what \"any-gateway\" is held against")
        {
            Silos = Fleet,
            IsWarm = false,
            Talks = Many,
            Called = "gateway-0",
            Acts = [new Spread(0.99, 0.10)],
        },
        new("any-gateway", "the same, each turn through a gateway drawn at random; then one picture in 50 conversations at once")
        {
            Silos = Fleet,
            IsWarm = false,
            Talks = Many,
            Acts = [new Spread(0.99, 0.10), new SameImage(50)],
        },
        new("any-gateway-few", "the same with fewer conversations, for a machine with two cores")
        {
            Silos = Fleet,
            IsWarm = false,
            Talks = Many with { Sessions = 60, Turns = 4 },
            Acts = [new Spread(0.99, 0.10), new SameImage(50)],
        },
        new("vanish", "clients vanish in the middle of their answers, all at once; their KV blocks are free within 2 s")
        {
            Silos = [Silo("node-0", Whole, "--kv-cache-mib", "6", "--queue-length", "600")],
            Talks = Nobody,
            Short = Nobody,
            IsWarm = false,
            Acts = [new Vanish(500, 16, 2)],
        },
        new("poison", "damaged images, while others talk")
        {
            // Caches are small: they fill up first, with what can be made of the pictures that survive their damage.
            Silos =
            [
                Silo("gateway-0", "gateway"),
                Silo(
                    "engine-0",
                    "encoder,decoder",
                    ["--kv-cache-mib", "32", "--kv-host-mib", "0", "--kv-disk-mib", "0", "--feature-cache-mib", "16"]),
            ],
            Talks = Full,
            Acts = [new Poison(10_000, 64)],
        },
        new("poison-few", "a few damaged images, while others talk")
        {
            Silos = [Silo("node-0", Whole)],
            Talks = Small,
            Short = Small,
            Acts = [new Poison(200, 300)],
        },
        new("rolling-restart", "every silo is restarted, one after the other")
        {
            Silos = [Silo("node-0", Whole), Silo("node-1", Whole)],
            Talks = Full,
            Short = Small,
            Acts = [Decoding, new Act.Restart(), new Act.Recovered(10)],
        },
        .. FaultMatrix.All,
    ];

    /// <summary>
    /// All clients of a scene run at once, so that none waits for another one's place; one thread each, since several processes share the
    /// machine.
    /// </summary>
    internal static SiloPlan Silo(string name, string roles, params string[] flags) =>
        new(name, roles, ["--max-sequences", "64", "--threads", "1", .. flags]);
}
