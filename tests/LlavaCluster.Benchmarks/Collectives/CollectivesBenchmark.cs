using System.CommandLine;
using System.Diagnostics;
using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Collectives;
using static TorchSharp.torch;

namespace LlavaCluster.Benchmarks.Collectives;

/// <summary>
/// What ranks pay for working together: one sum over all ranks, by size and way, and one plan from the leader to a follower. Ranks are
/// threads, each with one torch thread; bytes go through sockets and shared memory just as between processes.
/// </summary>
internal static class CollectivesBenchmark
{
    private const int Batches = 21;

    private static readonly (string Name, long Bytes, int Calls)[] Sizes = [("8 KB", 8 << 10, 400), ("64 KB", 64 << 10, 200), ("4 MB", 4 << 20, 8)];

    /// <summary>The <c>collectives</c> command.</summary>
    public static Command Command()
    {
        var ranks = new Option<int>("--ranks") { DefaultValueFactory = _ => 2, Description = "Ranks, each a thread." };
        var nccl = new Option<string?>("--nccl") { Description = "An NCCL library that computes on the host (the one of the tests)." };
        var command = new Command("collectives", "Microseconds per sum over ranks, and per plan to a follower.") { ranks, nccl };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(ranks), parsed.GetValue(nccl)));
        return command;
    }

    private static int Run(int ranks, string? nccl)
    {
        set_num_threads(1);
        Console.WriteLine($"{ranks} ranks, bfloat16, {Environment.ProcessorCount} processors; medians of {Batches} batches after 3, "
            + "µs per sum on rank 0 (least batch in brackets)");
        Console.WriteLine($"{"",-14}{string.Concat(Sizes.Select(size => $"{size.Name,20}"))}");
        Report("in process", () => [.. InProcessCollective.Create(ranks)]);
        Report("TCP", () => RankThreads.Form(ranks, new TcpCollectiveOptions()));
        Report("shared memory", () => RankThreads.Form(ranks, new TcpCollectiveOptions { SharedMemory = true }));
        if (nccl is not null)
        {
            var library = NcclLibrary.Open(nccl);
            Report("NCCL (given)", () => FormNccl(library, ranks));
        }

        Console.WriteLine();
        foreach (var sequences in new[] { 1, 16, 64 })
        {
            var (sending, arriving) = PlanTimes(sequences);
            Console.WriteLine($"plan of {sequences,2} decoding sequences of 2,000 tokens: {sending:F1} µs to send, {arriving:F1} µs until a follower has it");
        }

        return 0;
    }

    private static void Report(string name, Func<IReadOnlyList<ICollective>> form)
    {
        var ends = form();
        var cells = Sizes.Select(size =>
        {
            var times = new double[Batches];
            Together(ends, end =>
            {
                using var tensor = zeros(size.Bytes / 2, ScalarType.BFloat16);
                for (var batch = -3; batch < Batches; batch++)
                {
                    var began = Stopwatch.GetTimestamp();
                    for (var i = 0; i < size.Calls; i++)
                    {
                        end.AllReduceSum(tensor);
                    }

                    if (batch >= 0 && end.Rank == 0)
                    {
                        times[batch] = Stopwatch.GetElapsedTime(began).TotalMicroseconds / size.Calls;
                    }
                }
            });
            Array.Sort(times);
            return $"{times[Batches / 2]:F1} ({times[0]:F1})";
        }).ToArray();
        Console.WriteLine($"{name,-14}{string.Concat(cells.Select(cell => $"{cell,20}"))}");
        foreach (var end in ends)
        {
            end.Dispose();
        }
    }

    private static void Together(IReadOnlyList<ICollective> ends, Action<ICollective> work)
    {
        var threads = ends.Select(end => new Thread(() => work(end))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
    }

    private static IReadOnlyList<ICollective> FormNccl(NcclLibrary library, int ranks)
    {
        var id = library.NewId();
        return RankThreads.Start<ICollective>(ranks, rank => NcclCollective.Join(library, id, rank, ranks, TimeSpan.FromSeconds(30), TimeProvider.System));
    }

    private static (double Sending, double Arriving) PlanTimes(int sequences)
    {
        using var listener = new RankListener(IPAddress.Loopback);
        var options = new ShardLinkOptions();
        var forming = Task.Run(() => TcpShardLink.Form(listener, Guid.Empty, 0, 2, options, TimeProvider.System));
        using var follower = TcpShardFollowerLink.Join(listener.Address, Guid.Empty, 0, 1, 2, options, TimeProvider.System);
        using var leader = forming.GetAwaiter().GetResult();
        var plan = DecodePlan(sequences);
        const int Plans = 500;
        using var taken = new SemaphoreSlim(0);
        var arrived = new long[Plans];
        var thread = new Thread(() =>
        {
            for (var i = 0; i < Plans; i++)
            {
                follower.Receive(1, default);
                arrived[i] = Stopwatch.GetTimestamp();
                taken.Release();
            }
        });
        thread.Start();
        var (sending, arriving) = (new double[Plans], new double[Plans]);
        for (var i = 0; i < Plans; i++)
        {
            var began = Stopwatch.GetTimestamp();
            leader.Send(new ShardMessage.Run(new StepPlan(1, i, plan.Slices)));
            sending[i] = Stopwatch.GetElapsedTime(began).TotalMicroseconds;
            taken.Wait();
            arriving[i] = Stopwatch.GetElapsedTime(began, arrived[i]).TotalMicroseconds;
        }

        thread.Join();
        Array.Sort(sending);
        Array.Sort(arriving);
        return (sending[Plans / 2], arriving[Plans / 2]);
    }

    private static StepPlan DecodePlan(int sequences)
    {
        const int Tokens = 2_000;
        var ids = Enumerable.Range(0, Tokens).ToArray();
        return new StepPlan(1, 0, [.. Enumerable.Range(0, sequences).Select(sequence => new SequenceSlice(
            sequence,
            Tokens,
            new[] { 17 },
            Array.Empty<ImageSlice>(),
            [.. Enumerable.Range(sequence * 126, 126)],
            new SampleRequest(SamplingOptions.Greedy, 7, 0, 0, ids, Array.Empty<int>())))]);
    }
}
