using System.Net;
using System.Net.Security;
using LlavaCluster.Core.Links;
using LlavaCluster.Model.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Collectives;

/// <summary>Ranks whose connections are those of silos with certificates: all that ranks do, and who is not let in.</summary>
public sealed class SecureCollectiveTests(TestAuthority authority) : CollectiveSuite, IClassFixture<TestAuthority>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>That it ends at all is what is asked here.</summary>
    protected override TimeSpan AbortLimit => Patience;

    private TcpCollectiveOptions Options => new() { Secure = authority.Secure };

    [Theory]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public void AllReduceSum_OverTls_GivesTheBitsOfPlainSockets(int ranks, bool sharedMemory)
    {
        var plain = OnRanks(TcpReplica.Form(ranks, new TcpCollectiveOptions()), RankProgram.HashOfSums);
        var secure = OnRanks(TcpReplica.Form(ranks, Options with { SharedMemory = sharedMemory }), RankProgram.HashOfSums);
        Assert.Equal(plain, secure);
    }

    [Fact]
    public void IsSecure_IsWhatTheConnectionsAre()
    {
        Assert.All(OnRanks(2, collective => ((TcpCollective)collective).IsSecure), isSecure => Assert.True(isSecure));
        Assert.All(OnRanks(TcpReplica.Form(2, new TcpCollectiveOptions()), collective => ((TcpCollective)collective).IsSecure), isSecure => Assert.False(isSecure));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AllReduceSum_OtherRankTakesNothing_EndsByAbortAndByDispose(bool byDispose)
    {
        var ends = Create(2);
        using var inCall = new ManualResetEventSlim();
        var waiting = Task.Factory.StartNew(
            () => Record.Exception(() =>
            {
                // More than the system holds for a connection: it waits in a write.
                using var tensor = ones(16 << 20);
                inCall.Set();
                ends[0].AllReduceSum(tensor);
            }),
            TaskCreationOptions.LongRunning);
        inCall.Wait(Patience);
        if (byDispose)
        {
            ends[0].Dispose();
        }
        else
        {
            ends[0].Abort("rank 1 is missing.");
        }

        var error = Assert.IsType<CollectiveAbortedException>(await waiting.WaitAsync(Patience));
        Assert.Contains(byDispose ? "rank 0 has left." : "rank 1 is missing.", error.Message);
        Array.ForEach([.. ends], end => end.Dispose());
    }

    [Fact]
    public async Task Join_CallerOfAnotherAuthority_BothSayWhoIsMissing()
    {
        using var stranger = new TestAuthority();
        using var first = new RankListener(IPAddress.Loopback, secure: authority.Secure);
        using var second = new RankListener(IPAddress.Loopback, secure: stranger.Secure);
        IPEndPoint[] addresses = [first.Address, second.Address];
        var time = new HandTime();
        var leader = Task.Run(() => Record.Exception(() => TcpCollective.Join(first, addresses, Guid.Empty, 3, 0, Options, time)));

        var refusal = Assert.Throws<RankLinkException>(() => TcpCollective.Join(
            second, addresses, Guid.Empty, 3, 1, Options with { Secure = stranger.Secure, JoinPatience = Patience }, TimeProvider.System));
        time.Advance(Options.JoinPatience * 2);

        Assert.StartsWith($"Rank 0 at {first.Address} has not shown that it is of this cluster: ", refusal.Message);
        var missing = Assert.IsType<RankLinkException>(await leader.WaitAsync(Patience));
        Assert.StartsWith("Rank 0 of epoch 3 waited 30 s; rank 1 did not call.", missing.Message);
    }

    /// <summary>One that takes any certificate for a rank's, and shows its own or none.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Dial_CertificateThatTheOtherRankDoesNotTake_IsRefusedWithItsName(bool showsOne)
    {
        using var stranger = new TestAuthority();
        using var stop = new CancellationTokenSource();
        using var listener = new RankListener(IPAddress.Loopback, secure: authority.Secure);
        var leader = Task.Run(() => Record.Exception(() => TcpCollective.Join(
            listener, [listener.Address, listener.Address], Guid.Empty, 3, 0, Options, new HandTime(), stop.Token)));
        Stream Credulous(Stream stream, bool isCaller)
        {
            var secure = new SslStream(stream);
            secure.AuthenticateAsClient(new SslClientAuthenticationOptions
            {
                TargetHost = "llava-silo",
                ClientCertificates = showsOne ? [stranger.Certificate] : [],
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            });
            return secure;
        }

        var error = Assert.Throws<RankLinkException>(() => RankDialer.Dial(
            listener.Address,
            new RankHello(LinkPurpose.Collective, Guid.Empty, 3, 1, 2, 0),
            TimeSpan.FromSeconds(1),
            TimeProvider.System,
            Credulous,
            default));

        Assert.StartsWith($"Rank 1 of epoch 3 called rank 0 at {listener.Address} for 1 s in vain: ", error.Message);
        Assert.False(leader.IsCompleted, "A stranger was let in.");
        await stop.CancelAsync();
        Assert.IsType<OperationCanceledException>(await leader.WaitAsync(Patience));
    }

    private protected override IReadOnlyList<ICollective> Create(int ranks) => TcpReplica.Form(ranks, Options);

    /// <summary>A clock that a test moves.</summary>
    private sealed class HandTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Advance(TimeSpan time) => Interlocked.Add(ref _now, time.Ticks);

        public override long GetTimestamp() => Interlocked.Read(ref _now);
    }
}
