using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using LlavaCluster.Protos;

namespace LlavaCluster.Client;

/// <summary>
/// A connection to a LlavaCluster. Any thread, several calls at once. Every method throws <see cref="RpcException"/>
/// with the
/// status codes that <c>llava.proto</c> lists.
/// </summary>
public sealed class LlavaClient : IDisposable
{
    /// <summary>Bytes of one piece of an upload.</summary>
    private const int PieceBytes = 256 << 10;

    private readonly GrpcChannel _channel;
    private readonly Llava.LlavaClient _service;
    private readonly ResumeOptions _resume;
    private readonly TimeProvider _time;

    /// <summary>Connects at the first call.</summary>
    /// <param name="server">Address of a gateway's gRPC port, for instance <c>http://127.0.0.1:5081</c>.</param>
    /// <param name="resume">What to do when a stream breaks; null: the defaults.</param>
    /// <param name="time">Clock for the pauses between attempts; null: the system's.</param>
    public LlavaClient(Uri server, ResumeOptions? resume = null, TimeProvider? time = null)
    {
        _resume = resume ?? new ResumeOptions();
        _channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions
        {
            MaxReceiveMessageSize = null,
            DisposeHttpClient = true,
            HttpHandler = new SocketsHttpHandler
            {
                EnableMultipleHttp2Connections = true,
                KeepAlivePingDelay = _resume.PingAfter,
                KeepAlivePingTimeout = _resume.PingTimeout,
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            },
        });
        _service = new Llava.LlavaClient(_channel);
        _time = time ?? TimeProvider.System;
    }

    /// <summary>
    /// One turn: its events as they come. When the stream breaks after it began, the same turn is asked for again from the first token not
    /// yet seen, until <see cref="ResumeOptions.GiveUpAfter"/> has passed without a sign of life; the caller sees one unbroken answer. A call
    /// that never began is not repeated.
    /// </summary>
    /// <param name="request">The turn; left as it is.</param>
    /// <param name="cancellationToken">Ends the turn: the server frees the engine and keeps what was generated.</param>
    public async IAsyncEnumerable<ChatEvent> ChatAsync(
        ChatRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var ask = request.Clone();
        ask.TurnId = ask.TurnId.Length > 0 ? ask.TurnId : Guid.NewGuid().ToString("N");
        var heard = new HeardTurn(ask);
        var patience = new ResumePatience(_resume, _time);
        while (true)
        {
            using var call = _service.Chat(heard.Ask, cancellationToken: cancellationToken);
            RpcException broken;
            while (true)
            {
                try
                {
                    if (!await call.ResponseStream.MoveNext(cancellationToken))
                    {
                        broken = new RpcException(
                            new Status(StatusCode.Unavailable, "The server ended the answer before it was finished."));
                        break;
                    }
                }
                catch (RpcException error) when (heard.HasBegun && IsBroken(error) && !cancellationToken.IsCancellationRequested)
                {
                    broken = error;
                    break;
                }

                var happened = call.ResponseStream.Current;
                patience.Renew();
                if (!heard.Take(happened))
                {
                    continue; // of the repeated call; the caller knows it
                }

                yield return happened;
                if (happened.EventCase == ChatEvent.EventOneofCase.Finished)
                {
                    yield break;
                }
            }

            if (!await patience.PauseAsync(cancellationToken))
            {
                throw broken;
            }
        }
    }

    /// <summary>Uploads one image file.</summary>
    /// <param name="file">Its bytes, from the current position to the end.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<ImageInfo> PutImageAsync(Stream file, CancellationToken cancellationToken = default)
    {
        using var call = _service.PutImage(cancellationToken: cancellationToken);
        var piece = new byte[PieceBytes];
        try
        {
            int read;
            while ((read = await file.ReadAsync(piece, cancellationToken)) > 0)
            {
                await call.RequestStream.WriteAsync(
                    new PutImageRequest { Data = ByteString.CopyFrom(piece, 0, read) }, cancellationToken);
            }

            await call.RequestStream.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            // The server answered before it had read all: what it says is in the response.
        }

        return await call.ResponseAsync;
    }

    /// <summary>What the server knows of an image.</summary>
    /// <param name="sha256">64 hexadecimal digits.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<ImageInfo> GetImageInfoAsync(string sha256, CancellationToken cancellationToken = default) =>
        await _service.GetImageInfoAsync(
            new GetImageInfoRequest { Sha256 = sha256 }, cancellationToken: cancellationToken);

    /// <summary>The processes of the cluster and the replicas of its model.</summary>
    public async Task<GetFleetResponse> GetFleetAsync(CancellationToken cancellationToken = default) =>
        await _service.GetFleetAsync(new GetFleetRequest(), cancellationToken: cancellationToken);

    /// <summary>Has a process leave the cluster; returns when that has begun.</summary>
    /// <param name="silo">Its address, or its name where only one has it.</param>
    /// <param name="cancellationToken">Gives up asking.</param>
    /// <returns>Its address.</returns>
    public async Task<string> DrainSiloAsync(string silo, CancellationToken cancellationToken = default) =>
        (await _service.DrainSiloAsync(new DrainSiloRequest { Silo = silo }, cancellationToken: cancellationToken)).Address;

    /// <summary>A session's transcript.</summary>
    public async Task<Session> GetSessionAsync(string session, CancellationToken cancellationToken = default) =>
        await _service.GetSessionAsync(
            new GetSessionRequest { SessionId = session }, cancellationToken: cancellationToken);

    /// <summary>The sessions that are kept, the one used last first.</summary>
    public async IAsyncEnumerable<ListSessionsResponse.Types.Entry> ListSessionsAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new ListSessionsRequest();
        do
        {
            var page = await _service.ListSessionsAsync(request, cancellationToken: cancellationToken);
            foreach (var session in page.Sessions)
            {
                yield return session;
            }

            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
    }

    /// <summary>A new session that begins with another one's turns.</summary>
    /// <param name="session">The other one.</param>
    /// <param name="turn">The last turn to take; empty: the last one that is over.</param>
    /// <param name="cancellationToken">Gives up asking.</param>
    public async Task<Session> ForkSessionAsync(
        string session, string turn = "", CancellationToken cancellationToken = default) =>
        await _service.ForkSessionAsync(
            new ForkSessionRequest { SessionId = session, TurnId = turn }, cancellationToken: cancellationToken);

    /// <summary>Brings a conversation back into the KV cache, so that its next turn begins sooner.</summary>
    public async Task<WarmSessionResponse> WarmSessionAsync(
        string session, CancellationToken cancellationToken = default) =>
        await _service.WarmSessionAsync(
            new WarmSessionRequest { SessionId = session }, cancellationToken: cancellationToken);

    /// <summary>Forgets a session.</summary>
    public async Task DeleteSessionAsync(string session, CancellationToken cancellationToken = default) =>
        await _service.DeleteSessionAsync(
            new DeleteSessionRequest { SessionId = session }, cancellationToken: cancellationToken);

    /// <summary>Ends a running turn.</summary>
    /// <param name="session">Its session.</param>
    /// <param name="turn">The turn; empty: whichever runs.</param>
    /// <param name="cancellationToken">Gives up asking.</param>
    /// <returns>False when it was not running any more.</returns>
    public async Task<bool> CancelTurnAsync(
        string session, string turn = "", CancellationToken cancellationToken = default)
    {
        var request = new CancelTurnRequest { SessionId = session, TurnId = turn };
        return (await _service.CancelTurnAsync(request, cancellationToken: cancellationToken)).Cancelled;
    }

    /// <summary>The models that serve.</summary>
    public async Task<IReadOnlyList<Protos.Model>> ListModelsAsync(CancellationToken cancellationToken = default) =>
        (await _service.ListModelsAsync(new ListModelsRequest(), cancellationToken: cancellationToken)).Models;

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    /// <summary>The server is gone or says that another attempt heals it; or the connection failed below it, which has a cause of its own.</summary>
    private static bool IsBroken(RpcException error) => error.StatusCode == StatusCode.Unavailable
        || (error.StatusCode is StatusCode.Internal or StatusCode.Cancelled && error.Status.DebugException is not null);
}
