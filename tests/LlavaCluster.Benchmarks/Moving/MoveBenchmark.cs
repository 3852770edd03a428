using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using LlavaCluster.Benchmarks.Table;
using LlavaCluster.Core.Moving;

namespace LlavaCluster.Benchmarks.Moving;

/// <summary>
/// How fast a conversation's KV moves to another replica on this machine: 64 blocks in 64 pages each, as 32 layers have them, over the real
/// server and client, beside two baselines: the same bytes by memcpy, and through a socket whose ends do nothing else.
/// </summary>
internal static class MoveBenchmark
{
    private const int Blocks = 64, Pages = 64, Runs = 7;

    public static Command Command()
    {
        var command = new Command("moves", "Bytes per second of KV that moves between replicas over loopback.");
        command.SetAction((_, cancellationToken) => RunAsync(cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine($"{Machine.Processor()}, load {Machine.Load()}, best of {Runs}");
        foreach (var mebibytes in new[] { 1, 8 })
        {
            var block = mebibytes << 20;
            using var from = new NativePages(block);
            using var to = new NativePages(block);
            var memory = Best(() => CopyAll(from, to, block));
            var socket = await BestAsync(() => SocketAsync(block, cancellationToken));
            var move = await BestAsync(() => MoveAsync(from, to, cancellationToken));
            var few = await BestAsync(() => MoveAsync(from, to, cancellationToken, 1));
            Console.WriteLine(FormattableString.Invariant(
                $"{Blocks} blocks of {mebibytes} MiB: memcpy {Rate(memory, block):f2} GB/s, bare socket {Rate(socket, block):f2} GB/s, move {Rate(move, block):f2} GB/s ({socket / move:f2} × socket); one block {few.TotalMilliseconds:f2} ms"));
        }

        return 0;
    }

    private static void CopyAll(NativePages from, NativePages to, int block)
    {
        var bytes = new byte[block];
        for (var i = 0; i < Blocks; i++)
        {
            from.Read(i, bytes);
            to.Write(i, bytes);
        }
    }

    private static async Task MoveAsync(NativePages from, NativePages to, CancellationToken cancellationToken, int count = Blocks)
    {
        var shape = new KvShape("bench", 1, "bfloat16", "fast", 16, 32);
        var options = new KvMoveOptions();
        await using var server = new KvServer(IPAddress.Loopback, shape, new Owner(from), options);
        var order = new KvOrder(
            [server.Address.ToString()], [.. Enumerable.Range(0, count).Select(i => (UInt128)i)], [.. Enumerable.Range(0, count)], to);
        var delivery = await new KvClient(shape, options, TimeProvider.System).FetchAsync(order, cancellationToken);
        if (delivery.Arrived.Count != count)
        {
            throw new InvalidOperationException($"{delivery.Arrived.Count} of {count} blocks came: {delivery.Why}");
        }
    }

    private static async Task SocketAsync(int block, CancellationToken cancellationToken)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint, cancellationToken);
        using var server = await listener.AcceptTcpClientAsync(cancellationToken);
        var sending = Task.Factory.StartNew(
            () =>
            {
                var bytes = new byte[block];
                for (var i = 0; i < Blocks; i++)
                {
                    server.GetStream().Write(bytes);
                }
            },
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        var bytes = new byte[block];
        for (var i = 0; i < Blocks; i++)
        {
            client.GetStream().ReadExactly(bytes);
        }

        await sending;
    }

    private static TimeSpan Best(Action run) => Enumerable.Range(0, Runs).Min(_ =>
    {
        var clock = Stopwatch.StartNew();
        run();
        return clock.Elapsed;
    });

    private static async Task<TimeSpan> BestAsync(Func<Task> run)
    {
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < Runs; i++)
        {
            var clock = Stopwatch.StartNew();
            await run();
            best = clock.Elapsed < best ? clock.Elapsed : best;
        }

        return best;
    }

    private static double Rate(TimeSpan took, int block) => (double)Blocks * block / took.TotalSeconds / 1e9;

    /// <summary>Blocks as a cache has them: a page of each layer's keys, and of its values, far from each other.</summary>
    private sealed unsafe class NativePages : IBlockBytes, IDisposable
    {
        private readonly byte* _memory;
        private readonly long _page;

        public NativePages(int blockBytes)
        {
            (BlockBytes, _page) = (blockBytes, blockBytes / Pages);
            _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(BlockBytes * Blocks), 64);
            new Span<byte>(_memory, checked((int)(BlockBytes * Blocks))).Fill(7);
        }

        public long BlockBytes { get; }

        public void Read(int block, Span<byte> to)
        {
            for (var page = 0; page < Pages; page++)
            {
                new ReadOnlySpan<byte>(Page(page, block), (int)_page).CopyTo(to[(int)(page * _page)..]);
            }
        }

        public void Write(int block, ReadOnlySpan<byte> from)
        {
            for (var page = 0; page < Pages; page++)
            {
                from.Slice((int)(page * _page), (int)_page).CopyTo(new Span<byte>(Page(page, block), (int)_page));
            }
        }

        public void Dispose() => NativeMemory.AlignedFree(_memory);

        private byte* Page(int page, int block) => _memory + (((page * (long)Blocks) + block) * _page);
    }

    private sealed class Owner(IBlockBytes bytes) : IKvOwner
    {
        public Task<KvLoan?> LendAsync(IReadOnlyList<UInt128> keys) =>
            Task.FromResult<KvLoan?>(new KvLoan(bytes, [.. keys.Select((key, i) => (i, (int)key))], _ => { }));
    }
}
