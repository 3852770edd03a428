using System.Net;
using System.Net.Sockets;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;
using static LlavaCluster.Core.Tests.Links.PlanLinks;

namespace LlavaCluster.Core.Tests.Links;

public sealed class TcpShardLinkTests
{
    private static readonly RunnerCapacity Capacity = new(64, 16, 1024, FakeModel.Vocabulary);
    private static readonly Guid Replica = new("11111111-2222-3333-4444-555555555555");
    private static readonly ShardLinkOptions Options = new();

    [Fact]
    public async Task Followers_BehindTcp_DoWhatTheLeaderDoes()
    {
        var (link, ends) = await FormAsync(2);
        FakeModelRunner[] runners = [new(Capacity, 1), new(Capacity, 2)];
        await using var first = new ShardFollower(1, 0, () => runners[0], ends[0]);
        await using var second = new ShardFollower(2, 0, () => runners[1], ends[1]);
        await first.StartAsync().WaitAsync(Patience);
        await second.StartAsync().WaitAsync(Patience);
        ImageSpan[] images = [new(3, 20, ImageHash.Of("cat"u8), 8, 6)];
        var prompt = Prompt(40);
        Array.Fill(prompt, FakeModel.Placeholder, 3, 20);
        FakeModelRunner leader;
        await using (var host = await StartAsync(link: link))
        {
            leader = host.Runner;
            Assert.Equal(FakeModel.Answer(prompt, images, 5), await host.TokensAsync(Request(prompt, 5, images)));
        }

        await Task.WhenAll(first.Completion, second.Completion).WaitAsync(Patience);
        Assert.All(runners, runner => Assert.Equal(leader.Calls, runner.Calls));
        Array.ForEach(ends, end => end.Dispose());
    }

    /// <summary>Not caught, it would end the process: nobody stands behind a reader thread.</summary>
    [Fact]
    public async Task Line_ConnectionIsClosedBetweenTwoReads_IsLost()
    {
        var lost = new TaskCompletionSource<string>();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var line = new ShardLine(
            new RankConnection(1, socket, new NoLongerReadable()), Options, new FakeTimeProvider(), (_, _, _) => { }, lost.SetResult);

        Assert.Equal("Rank 1 is gone: Stream does not support reading.", await lost.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task Send_LargeAndSmallByTurns_ArriveInOrderAndWhole()
    {
        var (link, ends) = await FormAsync(1);
        var receiving = Task.Factory.StartNew(
            () => Enumerable.Range(0, 60).Select(_ => ends[0].Receive(1, default)).ToArray(), TaskCreationOptions.LongRunning);
        var features = Enumerable.Range(0, 60).Select(i => Features(i, 1 + (i % 3 * 700_000))).ToArray();
        foreach (var image in features)
        {
            link.Send(new ShardMessage.LoadImage(image));
        }

        var received = (await receiving.WaitAsync(Patience)).Cast<ShardMessage.LoadImage>().ToArray();
        Assert.Equal(features.Select(f => f.Image), received.Select(message => message.Features.Image));
        Assert.All(features.Zip(received), pair => Assert.True(pair.First.Data.Span.SequenceEqual(pair.Second.Features.Data.Span)));
        link.Dispose();
        Assert.IsType<ShardMessage.Stop>(ends[0].Receive(1, default));
        ends[0].Dispose();
    }

    [Fact]
    public async Task Follower_CannotGoOn_LeaderIsToldWhyAndSendsNoMore()
    {
        var lost = new TaskCompletionSource<(int, string)>();
        var (link, ends) = await FormAsync(1, (rank, reason) => lost.TrySetResult((rank, reason)));
        await using var follower = new ShardFollower(1, 0, () => new FakeModelRunner(Capacity, 1), ends[0]);
        await follower.StartAsync().WaitAsync(Patience);
        // The answer may be there before this returns.
        _ = Record.Exception(() => link.Send(new ShardMessage.Run(new StepPlan(9, 0, []))));

        const string Expected = "Rank 1 cannot go on: Rank 1 was sent step 0 of epoch 9; it is at step 0 of epoch 0.";
        Assert.Equal((1, Expected), await lost.Task.WaitAsync(Patience));
        var error = Assert.Throws<RankLinkException>(() => link.Send(new ShardMessage.Run(new StepPlan(0, 0, []))));
        Assert.Equal(Expected, error.Message);
        link.Send(new ShardMessage.Stop());
        link.Dispose();
        ends[0].Dispose();
    }

    [Fact]
    public async Task Follower_Leaves_LeaderIsTold()
    {
        var lost = new TaskCompletionSource<string>();
        var (link, ends) = await FormAsync(1, (_, reason) => lost.TrySetResult(reason));
        ends[0].Dispose();
        Assert.Equal("Rank 1 has left.", await lost.Task.WaitAsync(Patience));
        link.Dispose();
    }

    [Fact]
    public async Task Follower_LeavesAfterStop_IsNoLoss()
    {
        var lost = new List<string>();
        var (link, ends) = await FormAsync(1, (_, reason) => lost.Add(reason));
        link.Send(new ShardMessage.Stop());
        Assert.IsType<ShardMessage.Stop>(ends[0].Receive(1, default));
        ends[0].Dispose();
        link.Dispose();
        Assert.Empty(lost);
    }

    [Fact]
    public async Task Leader_IsGone_FollowerTakesWhatCameAndIsToldWhy()
    {
        var lost = new TaskCompletionSource<string>();
        using var leader = new RawLink();
        var end = leader.Join(TimeProvider.System, reason => lost.TrySetResult(reason));
        leader.Write(new ShardMessage.ForgetImage(ImageHash.Of("cat"u8)));
        leader.Connection.Dispose();
        Assert.Equal("Rank 0 is gone: its end of the connection was closed.", await lost.Task.WaitAsync(Patience));
        Assert.IsType<ShardMessage.ForgetImage>(end.Receive(1, default));
        Assert.Equal(await lost.Task, Assert.Throws<RankLinkException>(() => end.Receive(1, default)).Message);
        end.Dispose();
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0, 0, 99, 5 }, "kind 99 is unknown")]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 5 }, "1 bytes are due, 0 are left")]
    [InlineData(new byte[] { 255, 255, 255, 255, 1 }, "a frame has 4294967295 bytes, at most 134217728 are taken")]
    public async Task Leader_SendsNonsense_FollowerEndsWithItsName(byte[] bytes, string what)
    {
        var lost = new TaskCompletionSource<string>();
        using var leader = new RawLink();
        var end = leader.Join(TimeProvider.System, reason => lost.TrySetResult(reason));
        leader.Connection.Stream.Write(bytes);
        Assert.Equal(
            $"Rank 0 sent nonsense. A message between ranks is damaged: {what}.", await lost.Task.WaitAsync(Patience));
        end.Dispose();
    }

    [Fact]
    public void HeartBeat_NothingElseToSay_GoesEvery50Milliseconds()
    {
        var time = new FakeTimeProvider();
        using var leader = new RawLink();
        var end = leader.Join(time, _ => { });
        for (var i = 0; i < 5; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            Assert.Equal(ShardFrameKind.HeartBeat, leader.ReadKind());
        }

        end.Dispose();
        Assert.Equal(ShardFrameKind.Bye, leader.ReadKind());
    }

    [Fact]
    public async Task Silence_Of500Milliseconds_IsALossAndAnythingHeardIsNone()
    {
        var time = new FakeTimeProvider();
        var lost = new TaskCompletionSource<string>();
        using var leader = new RawLink();
        var end = leader.Join(time, reason => lost.TrySetResult(reason));
        for (var i = 0; i < 4; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(450));
            Assert.False(lost.Task.IsCompleted);
            leader.Write(new ShardMessage.ForgetImage(ImageHash.Of("cat"u8)));
            end.Receive(1, default);
        }

        // The reader may still be handing over the last message, in which it is not silent.
        while (!lost.Task.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            Thread.Yield();
        }

        Assert.Equal("Rank 0 is missing: nothing heard of it for 500 ms.", await lost.Task.WaitAsync(Patience));
        Assert.Throws<RankLinkException>(() => end.Receive(1, default));
        end.Dispose();
    }

    [Fact]
    public async Task Leader_FollowerIsSilent_IsToldItsRank()
    {
        var time = new FakeTimeProvider();
        var lost = new TaskCompletionSource<(int, string)>();
        using var listener = new RankListener(IPAddress.Loopback);
        var forming = Task.Run(() => TcpShardLink.Form(
            listener, Replica, 3, 2, Options, time, (rank, reason) => lost.TrySetResult((rank, reason))));
        using var silent = RankDialer.Dial(
            listener.Address, new RankHello(LinkPurpose.Plans, Replica, 3, 1, 2, 0), Patience, TimeProvider.System, null, default);
        using var link = await forming.WaitAsync(Patience);
        time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal((1, "Rank 1 is missing: nothing heard of it for 500 ms."), await lost.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task Join_AnotherEpoch_IsRefused()
    {
        using var listener = new RankListener(IPAddress.Loopback);
        using var stop = new CancellationTokenSource();
        var forming = Task.Run(() => TcpShardLink.Form(
            listener, Replica, 3, 2, Options, TimeProvider.System, cancellationToken: stop.Token));
        var error = Assert.Throws<RankLinkException>(
            () => TcpShardFollowerLink.Join(listener.Address, Replica, 2, 1, 2, Options, TimeProvider.System));
        Assert.Equal("Rank 0 refuses rank 1: Rank 1 is of epoch 2; rank 0 is of epoch 3.", error.Message);
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => forming.WaitAsync(Patience));
    }

    private static ImageFeatures Features(int number, int channels)
    {
        var data = new byte[2 * channels];
        new Random(number).NextBytes(data);
        return new ImageFeatures(ImageHash.Of([(byte)number]), 4, 4, 1, 1, channels, FeatureType.BFloat16, data);
    }

    /// <summary>A leader that says only what the test says.</summary>
    private sealed class RawLink : IDisposable
    {
        private readonly RankListener _listener = new(IPAddress.Loopback);

        public RankConnection Connection { get; private set; } = null!;

        public TcpShardFollowerLink Join(TimeProvider time, Action<string> onLost)
        {
            var calls = Task.Run(() => _listener.Gather(
                new RankHello(LinkPurpose.Plans, Replica, 3, 0, 2, 0), [1], Patience, TimeProvider.System, default)[0]);
            var end = TcpShardFollowerLink.Join(_listener.Address, Replica, 3, 1, 2, Options, time, onLost);
            Connection = calls.GetAwaiter().GetResult();
            return end;
        }

        public void Write(ShardMessage message)
        {
            var writer = new WireWriter();
            ShardFrame.Write(message, writer);
            Connection.Stream.Write(writer.Written);
        }

        public ShardFrameKind ReadKind() => new ShardFrameReader(Connection.Stream, 1_000).Read(out _);

        public void Dispose()
        {
            Connection.Dispose();
            _listener.Dispose();
        }
    }

    /// <summary>As a socket's stream is once it was disposed.</summary>
    private sealed class NoLongerReadable : MemoryStream
    {
        public override bool CanRead => false;
    }
}
