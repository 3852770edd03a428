using System.Security.Cryptography;
using Grpc.Core;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Sessions;
using LlavaCluster.Protos;
using LlavaCluster.Silo.Hosting;
using Microsoft.Extensions.Options;
using BusyPolicy = LlavaCluster.Protos.BusyPolicy;
using GrainBusyPolicy = LlavaCluster.Grains.Contracts.BusyPolicy;
using SessionOptions = LlavaCluster.Grains.Sessions.SessionOptions;

namespace LlavaCluster.Silo.Api;

/// <summary>
/// The gRPC edge: checks, maps, calls the session's grain, streams. What it throws becomes a status in <see
/// cref="StatusInterceptor"/>.
/// </summary>
internal sealed class LlavaService(
    IGrainFactory grains,
    TurnRelay turns,
    ImageIntake images,
    IOptions<SessionOptions> sessions,
    SessionPages pages,
    FleetView fleet,
    FleetOrders orders,
    ServedModel model,
    NodeSettings settings,
    Readiness readiness)
    : Llava.LlavaBase
{
    /// <summary>Bytes of a new session's id: enough that nobody guesses one.</summary>
    private const int IdBytes = 16;

    /// <inheritdoc/>
    public override async Task Chat(
        ChatRequest request, IServerStreamWriter<ChatEvent> responseStream, ServerCallContext context)
    {
        var cancel = context.CancellationToken;
        using var running = readiness.BeginTurn();
        var isNew = request.SessionId.Length == 0;
        var session = isNew ? NewId() : request.SessionId;
        var turn = new TurnRequestMessage
        {
            TurnId = request.TurnId,
            Parts = await PartsAsync(request, cancel),
            System = request.System.Length > 0 ? request.System : null,
            Sampling = ProtoMapping.ToMessage(request.Sampling),
            MaxTokens = request.MaxTokens,
            ResumeFrom = request.ResumeFrom,
            Busy = request.BusyPolicy == BusyPolicy.Refuse ? GrainBusyPolicy.Refuse : GrainBusyPolicy.Wait,
            MayCreate = isNew,
            TellSilences = true,
        };
        var withLogProbs = request.Sampling is { HasLogprobs: true };
        await foreach (var what in turns.ReadAsync(session, turn, cancel))
        {
            await responseStream.WriteAsync(ProtoMapping.ToProto(what, withLogProbs), cancel);
        }
    }

    /// <inheritdoc/>
    public override async Task<Session> GetSession(GetSessionRequest request, ServerCallContext context) =>
        ProtoMapping.ToProto(await SessionOf(request.SessionId).Get());

    /// <inheritdoc/>
    public override Task<ListSessionsResponse> ListSessions(ListSessionsRequest request, ServerCallContext context) =>
        settings.MayListSessions
            ? pages.ReadAsync(request, context.CancellationToken)
            : throw new RpcException(new Status(
                StatusCode.PermissionDenied,
                "This server does not list its sessions: their ids are secrets, and it does not tell its callers apart. --list-sessions true makes it."));

    /// <inheritdoc/>
    public override async Task<Session> ForkSession(ForkSessionRequest request, ServerCallContext context)
    {
        var fork = NewId();
        await SessionOf(request.SessionId).Fork(request.TurnId, fork);
        return ProtoMapping.ToProto(await SessionOf(fork).Get());
    }

    /// <inheritdoc/>
    public override async Task<WarmSessionResponse> WarmSession(WarmSessionRequest request, ServerCallContext context)
    {
        var warmed = await SessionOf(request.SessionId).Warm();
        return new WarmSessionResponse { Tokens = warmed.Tokens, CachedTokens = warmed.CachedTokens };
    }

    /// <inheritdoc/>
    public override async Task<DeleteSessionResponse> DeleteSession(
        DeleteSessionRequest request, ServerCallContext context)
    {
        await SessionOf(request.SessionId).Delete();
        return new DeleteSessionResponse();
    }

    /// <inheritdoc/>
    public override async Task<CancelTurnResponse> CancelTurn(CancelTurnRequest request, ServerCallContext context)
    {
        var session = SessionOf(request.SessionId);
        var running = (await session.Get()).RunningTurn;
        var turn = request.TurnId.Length > 0 ? request.TurnId : running;
        return new CancelTurnResponse { Cancelled = turn is not null && await session.Cancel(turn) };
    }

    /// <inheritdoc/>
    public override Task<ImageInfo> PutImage(
        IAsyncStreamReader<PutImageRequest> requestStream, ServerCallContext context) =>
        images.PutAsync(
            requestStream.ReadAllAsync(context.CancellationToken).Select(piece => piece.Data),
            context.CancellationToken);

    /// <inheritdoc/>
    public override Task<ImageInfo> GetImageInfo(GetImageInfoRequest request, ServerCallContext context) =>
        images.FindAsync(request.Sha256, context.CancellationToken);

    /// <inheritdoc/>
    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context) =>
        Task.FromResult(new ListModelsResponse
        {
            Models =
        {
            new Protos.Model
            {
                Name = model.Name,
                Kind = model.Config.Kind == LlavaKind.LlavaNext ? "llava_next" : "llava",
                ContextTokens = model.Config.Text.MaxPositions,
                Dtype = settings.Model.Dtype,
                Template = model.Template.Name,
                TensorParallel = settings.Model.TensorParallel,
            },
        },
        });

    /// <inheritdoc/>
    public override Task<GetFleetResponse> GetFleet(GetFleetRequest request, ServerCallContext context) =>
        Task.FromResult(FleetMapping.ToProto(fleet.Silos()));

    /// <inheritdoc/>
    public override async Task<DrainSiloResponse> DrainSilo(DrainSiloRequest request, ServerCallContext context) =>
        settings.MayDrainSilos
            ? new DrainSiloResponse { Address = await orders.DrainAsync(request.Silo) }
            : throw new RpcException(new Status(
                StatusCode.PermissionDenied,
                "This server lets no caller stop a process: it does not tell its callers apart. --drain-silos true makes it; SIGTERM does the same."));

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));

    private ISessionGrain SessionOf(string id) => id.Length > 0
        ? grains.GetGrain<ISessionGrain>(id)
        : throw new TurnRefusedException(
            RefusalCode.InvalidArgument, "The session id is empty; give the id that the 'started' event told.");

    /// <summary>The message's parts, images sent inside the request among them kept and named by their hash.</summary>
    private async Task<IReadOnlyList<TurnPartMessage>> PartsAsync(ChatRequest request, CancellationToken cancel)
    {
        // Before any of them is kept.
        var count = request.Parts.Count(p => p.PartCase is Part.PartOneofCase.Image or Part.PartOneofCase.ImageSha256);
        if (TurnRequestRule.TooManyImages(count, sessions.Value) is { } sentence)
        {
            throw new TurnRefusedException(RefusalCode.InvalidArgument, sentence);
        }

        var parts = new List<TurnPartMessage>();
        foreach (var part in request.Parts)
        {
            parts.Add(part.PartCase switch
            {
                Part.PartOneofCase.Text => TurnPartMessage.OfText(part.Text),
                Part.PartOneofCase.ImageSha256 => TurnPartMessage.OfImage(part.ImageSha256),
                Part.PartOneofCase.Image => TurnPartMessage.OfImage(
                    (await images.PutAsync(part.Image.Memory, cancel)).Sha256),
                _ => new TurnPartMessage(null, null),
            });
        }

        return parts;
    }
}
