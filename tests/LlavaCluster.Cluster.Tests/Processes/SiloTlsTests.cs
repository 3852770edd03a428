using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using LlavaCluster.Cluster.Tests.Scenarios;
using LlavaCluster.Cluster.Tests.Storage;
using LlavaCluster.Protos;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>Silos that ask each other who they are, with the certificates that deploy/dev-ca.sh makes.</summary>
public sealed class SiloTlsTests(RedisServer redis) : IClassFixture<RedisServer>, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Silos_WithCertificates_ServeTogetherAndTurnOthersAway()
    {
        await MakeAsync("ours", "gateway", "engine");
        await MakeAsync("theirs", "stranger");
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await using var engine = Silo("engine", "encoder,decoder", "ours");
        await using var gateway = Silo("gateway", "gateway", "ours");
        await engine.StartAsync(patience.Token);
        await gateway.StartAsync(patience.Token);

        // What the answer needs crosses from silo to silo.
        using var channel = GrpcChannel.ForAddress(gateway.Server);
        var golden = GoldenAnswer.Read("vicuna", "text-only");
        using var call = new Llava.LlavaClient(channel).Chat(
            SiloProcess.Turn("", golden.Tokens.Count, new Part { Text = "What is the capital of the green harbour?" }), cancellationToken: patience.Token);
        var tokens = new List<int>();
        while (await call.ResponseStream.MoveNext(patience.Token))
        {
            tokens.AddRange(call.ResponseStream.Current.Delta?.TokenIds ?? []);
        }

        Assert.Equal(golden.Tokens, tokens);

        // Whoever has no certificate of this authority hears nothing.
        Assert.True(await IsTurnedAwayAsync(engine.SiloPort, null), "A caller without a certificate was let in.");
        Assert.True(await IsTurnedAwayAsync(engine.SiloPort, Certificate("theirs", "stranger")), "A stranger's certificate was let in.");
        Assert.False(await IsTurnedAwayAsync(engine.SiloPort, Certificate("ours", "gateway")), "Our own certificate is turned away.");
        Assert.Contains("was turned away, since it is not with a silo of this cluster", engine.Log);

        // Nor does a silo of another authority get into the cluster.
        await using var stranger = Silo("stranger", "decoder", "theirs");
        var joining = stranger.StartAsync(patience.Token);
        await stranger.Program.ErrorsAsync("was turned away, since it is not with a silo of this cluster").WaitAsync(patience.Token);
        Assert.False(joining.IsCompleted, "A silo of another authority has joined.");
        await stranger.KillAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => joining);
    }

    [Fact]
    public async Task RanksOfAReplica_WithCertificates_GiveTheGoldenTokensAndAddUpOverTls()
    {
        await MakeAsync("ours", "rank");
        await using var fleet = await ReplicaFleet.StartAsync(redis, "tls-ranks", 2, "tcp", Flags("ours", "rank"));
        var golden = GoldenAnswer.Read("yi", "text-only");

        var answer = await fleet.Gateway.ChatAsync(
            "", golden.Tokens.Count, new Part { Text = "What is the capital of the green harbour?" });

        Assert.Equal(golden.Tokens, answer.Tokens);
        await Task.WhenAll(Enumerable.Range(0, 2).Select(
            rank => fleet.Rank(rank).ErrorsAsync("its numbers travel by tcp, on connections with TLS."))).WaitAsync(Patience);
    }

    [Fact]
    public async Task Start_CertificateOfAnotherAuthority_SaysSo()
    {
        await MakeAsync("ours", "silo");
        await MakeAsync("theirs", "stranger");

        var (exitCode, _, errors) = await RunAsync(
            "--tls-certificate", Of("ours", "silo.pem"), "--tls-key", Of("ours", "silo.key"), "--tls-authority", Of("theirs", "ca.pem"));

        Assert.Equal(1, exitCode);
        Assert.Contains($"Certificate '{Of("ours", "silo.pem")}' is none of authority '{Of("theirs", "ca.pem")}': ", errors);
    }

    [Fact]
    public async Task Start_CertificateWithoutKey_SaysSo()
    {
        var (exitCode, _, errors) = await RunAsync("--tls-certificate", "a.pem");

        Assert.Equal(
            (1, "Of certificate, key and authority some are missing; --tls-certificate, --tls-key and --tls-authority belong together.\n"), (exitCode, errors));
    }

    [Fact]
    public async Task Start_NoSuchCertificate_SaysSo()
    {
        var (exitCode, _, errors) = await RunAsync("--tls-certificate", "a.pem", "--tls-key", "b.pem", "--tls-authority", "c.pem");

        Assert.Equal(1, exitCode);
        Assert.Contains("Certificate 'a.pem', key 'b.pem' and authority 'c.pem' cannot be used: ", errors);
        Assert.Contains("deploy/dev-ca.sh makes such files.", errors);
    }

    private static Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] flags) =>
        RunningProgram.RunAsync(BuiltProgram.Silo, ["serve", "--http", "0", "--grpc", "0", .. flags]);

    private SceneSilo Silo(string name, string roles, string authority) => new(
        new SiloPlan(name, roles),
        ["--membership", "redis", "--store", "redis", "--redis", redis.Address, "--cluster", "tls", "--data", _folder.Of(name), .. Flags(authority, name)]);

    private string[] Flags(string authority, string name) =>
        ["--tls-certificate", Of(authority, $"{name}.pem"), "--tls-key", Of(authority, $"{name}.key"), "--tls-authority", Of(authority, "ca.pem")];

    private string Of(string authority, string file) => Path.Combine(_folder.Of(authority), file);

    private X509Certificate2 Certificate(string authority, string name) =>
        X509Certificate2.CreateFromPemFile(Of(authority, $"{name}.pem"), Of(authority, $"{name}.key"));

    private async Task MakeAsync(string authority, params string[] names)
    {
        var script = Path.Combine(GoldenFolder.Repository, "deploy", "dev-ca.sh");
        var (exitCode, _, errors) = await RunningProgram.RunAsync(script, [_folder.Of(authority), .. names]);
        Assert.Equal((0, ""), (exitCode, errors));
    }

    /// <summary>
    /// Calls a silo port. With TLS 1.3 the caller's end of the handshake is over before its certificate is judged: whoever is turned away
    /// finds the connection ended when it reads.
    /// </summary>
    private static async Task<bool> IsTurnedAwayAsync(int port, X509Certificate2? certificate)
    {
        using var socket = new TcpClient("127.0.0.1", port);
        await using var secure = new SslStream(socket.GetStream());
        try
        {
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "llava-silo",
                ClientCertificates = certificate is null ? [] : [certificate],
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            });

            // A silo that lets us in says who it is.
            return await secure.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience) == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
