using System.Net;
using System.Net.Sockets;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Moving;

/// <summary>What either end of a move does with an other end that is no good.</summary>
public sealed class KvWireTests
{
    private static readonly RunnerCapacity Capacity = new(4, 16, 64, FakeModel.Vocabulary);
    private static readonly KvMoveOptions Quick = new() { AnswerPatience = TimeSpan.FromMilliseconds(200), Silence = TimeSpan.FromMilliseconds(200) };

    /// <summary>For those who do answer: on a busy machine that takes a while.</summary>
    private static readonly KvMoveOptions Patient = new() { AnswerPatience = Patience, Silence = Patience, ConnectPatience = Patience };

    [Fact]
    public async Task Fetch_BlockOfAnotherLength_IsNotBelieved()
    {
        var delivery = await FetchAsync(stream =>
        {
            KvAnswer.Write(stream, [0, 1]);
            Send(stream, new KvBlockHead(10, default, 1L << 40));
        });

        Assert.Equal("A block of 1,099,511,627,776 bytes came where one of 256 was due.", delivery.Why);
        Assert.Equal((0, 1), (delivery.Arrived.Count, delivery.Attempts));
    }

    [Fact]
    public async Task Fetch_AnotherBlock_IsNotBelieved()
    {
        var delivery = await FetchAsync(stream =>
        {
            KvAnswer.Write(stream, [1]);
            Send(stream, new KvBlockHead(10, default, 256));
        });

        Assert.Equal("A block of 256 bytes came where one of 256 was due, and it is another one.", delivery.Why);
    }

    [Fact]
    public async Task Fetch_AnswerOfAnyLength_IsNotBelieved() => Assert.Equal(
        "An answer of 4,294,967,295 bytes was announced; 1,048,576 are taken.",
        (await FetchAsync(stream => stream.Write([0, 255, 255, 255, 255]))).Why);

    [Fact]
    public async Task Fetch_MoreBlocksThanWereNamed_AreNotBelieved() => Assert.Equal(
        "Block 2 is announced where 2 were named.", (await FetchAsync(stream => KvAnswer.Write(stream, [0, 2]))).Why);

    [Fact]
    public async Task Fetch_NobodyAnswers_EndsInTime()
    {
        using var over = new ManualResetEventSlim();

        var delivery = await FetchAsync(_ => over.Wait(Patience), Quick);

        over.Set();
        Assert.NotNull(delivery.Why);
        Assert.InRange(delivery.Took, TimeSpan.FromMilliseconds(150), Patience);
    }

    [Fact]
    public async Task Fetch_NobodyListens_SaysSo()
    {
        var listener = Listen();
        var address = listener.LocalEndpoint.ToString()!;
        listener.Stop();

        var delivery = await new KvClient(TwoReplicas.Shape, Patient, TimeProvider.System).FetchAsync(Order(address), default).WaitAsync(Patience);

        Assert.Contains("refused", delivery.Why);
    }

    [Fact]
    public void Serve_StrangersAndTooLongRequests_AreToldWhy()
    {
        var head = new byte[16];
        Assert.Equal("The caller is no replica of LlavaCluster.", Refusal(head));
        "LLAVA_KV"u8.CopyTo(head);
        head[8] = 9;
        Assert.Equal("The caller speaks protocol 9, this replica speaks 1. Run one version in a cluster.", Refusal(head));
        (head[8], head[15]) = (1, 0x40);
        Assert.Equal("The request has 1,073,741,824 bytes; 1,048,576 are taken. Ask for fewer blocks at once.", Refusal(head));
        (head[12], head[15]) = (200, 0);
        Assert.Throws<EndOfStreamException>(() => KvRequest.Read(new MemoryStream(head)));
    }

    [Fact]
    public void Request_ThereAndBack_IsTheSame()
    {
        var request = new KvRequest(TwoReplicas.Shape with { Layers = 60 }, 3, 8L << 20, [1, UInt128.MaxValue, (UInt128)7 << 100]);
        using var stream = new MemoryStream();
        request.Write(stream);
        stream.Position = 0;

        var read = KvRequest.Read(stream);

        Assert.Equal((request.Shape, request.Rank, request.BlockBytes), (read.Shape, read.Rank, read.BlockBytes));
        Assert.Equal(request.Keys, read.Keys);
        Assert.Equal("The caller is rank 3; rank 0 lends its blocks here.", read.Refuse(request.Shape));
    }

    [Fact]
    public async Task Serve_EngineHasNotStarted_LendsNothing()
    {
        await using var server = new KvServer(IPAddress.Loopback, TwoReplicas.Shape, new NoOwner(), Patient);

        var delivery = await new KvClient(TwoReplicas.Shape, Patient, TimeProvider.System)
            .FetchAsync(Order(server.Address.ToString()), default).WaitAsync(Patience);

        Assert.Equal("This replica lends no KV: it is starting or stopping, or its blocks lie where only its device reads them.", delivery.Why);
    }

    /// <summary>Two blocks, fetched from one who answers so.</summary>
    private static async Task<KvDelivery> FetchAsync(Action<Stream> answer, KvMoveOptions? options = null)
    {
        using var listener = Listen();
        var fetching = new KvClient(TwoReplicas.Shape, options ?? Patient, TimeProvider.System).FetchAsync(Order(listener.LocalEndpoint.ToString()!), default);
        using var caller = await listener.AcceptTcpClientAsync().WaitAsync(Patience);
        var answering = Task.Run(() =>
        {
            var stream = caller.GetStream();
            KvRequest.Read(stream);
            answer(stream);
        });
        var delivery = await fetching.WaitAsync(Patience);
        _ = answering.ContinueWith(task => task.Exception, TaskScheduler.Default);
        return delivery;
    }

    private static string Refusal(byte[] request)
    {
        using var stream = new MemoryStream(request);
        return Assert.Throws<KvRefusedException>(() => KvRequest.Read(stream)).Message;
    }

    private static KvOrder Order(string from) => new([from], [10, 11], [0, 1], new FakeBlockBytes(new FakeModelRunner(Capacity)));

    private static void Send(Stream stream, KvBlockHead head)
    {
        var bytes = new byte[KvBlockHead.Bytes];
        head.Write(bytes);
        stream.Write(bytes);
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private sealed class NoOwner : IKvOwner
    {
        public Task<KvLoan?> LendAsync(IReadOnlyList<UInt128> keys) => Task.FromResult<KvLoan?>(null);
    }
}
