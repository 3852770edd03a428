using System.Runtime.CompilerServices;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Admission;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Placement;

namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// One conversation. Its own state machine, since streams interleave whatever a grain's reentrancy says: every turn that is not over is a
/// <see cref="LiveTurn"/> with a task that runs it after the turn before it; every Chat call listens to one of them. A turn becomes part of
/// the log once a replica has accepted it, and nobody sees a token of it before that. What the log has survives this grain: a turn that was
/// cut off goes on behind its logged tokens when it is asked for again, with the tokens that it would have had anyway.
/// </summary>
[HashBasedPlacement]
internal sealed partial class SessionGrain : Grain, ISessionGrain
{
    /// <summary>
    /// In a silence of this length a session says that it is there. When any silo dies, Orleans gives up sessions on silos that are well,
    /// too, and who listens to one hears of it only when he asks for more: without this after five seconds.
    /// </summary>
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(500);

    private readonly ITurnLog _log;
    private readonly IImageStore _images;
    private readonly ITokenizer _tokenizer;
    private readonly LlavaConfig _config;
    private readonly SessionOptions _options;
    private readonly TimeProvider _time;
    private readonly Instruments _instruments;
    private readonly SiloGauges _gauges;
    private readonly AdmissionGate _gate;
    private readonly ILogger<SessionGrain> _logger;
    private readonly TurnAdmission _admission;
    private readonly TurnRunner _runner;
    private readonly SessionCaches _caches;
    private readonly SiloPulse _pulse;
    private readonly List<LiveTurn> _live = [];
    private Conversation _conversation = new();
    private string? _replica;
    private string _tenant = "";
    private bool _leaving;
    private bool _deleting;

    public SessionGrain(
        ITurnLog log,
        IImageStore images,
        ImageLimits limits,
        IPromptBuilder prompts,
        ITokenizer tokenizer,
        LlavaConfig config,
        IOptions<SessionOptions> options,
        TimeProvider time,
        Instruments instruments,
        SiloGauges gauges,
        AdmissionGate gate,
        IGrainFactory grains,
        SessionCaches caches,
        SiloPulse pulse,
        ILogger<SessionGrain> logger)
    {
        (_log, _images, _tokenizer, _config, _options, _time, _instruments, _gauges, _gate, _caches, _pulse, _logger) =
            (log, images, tokenizer, config, options.Value, time, instruments, gauges, gate, caches, pulse, logger);
        _admission = new TurnAdmission(prompts, config, new TurnImages(images, limits, config), _options);
        _runner = new TurnRunner(grains, tokenizer, config, instruments, time);
    }

    private string Id => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _gauges.CountSession(1);
        WatchEmptiness();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        // What runs stays open in the log: whoever asks for it again, here or elsewhere, gets the same answer.
        _leaving = true;
        _gauges.CountSession(-1);
        var running = _live.ToArray();
        foreach (var turn in running)
        {
            await turn.Cancel.CancelAsync();
        }

        await Task.WhenAll(running.Select(turn => turn.Done)).WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<TurnEventMessage> Chat(
        TurnRequestMessage request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await LoadAsync();
        var (buffer, turn) = Join(request);
        var silence = request.TellSilences ? Silence : Timeout.InfiniteTimeSpan;
        _readers++;
        turn?.Listeners += 1;
        try
        {
            await foreach (var next in buffer.ReadAsync(request.ResumeFrom, silence, _time, cancellationToken))
            {
                yield return next;
            }
        }
        finally
        {
            _readers--;
            if (turn is not null && --turn.Listeners == 0 && !turn.Buffer.IsOver)
            {
                turn.IsAbandoned = true;
                await turn.Cancel.CancelAsync();
            }
        }
    }

    /// <inheritdoc/>
    public async Task<SessionMessage> Get()
    {
        var conversation = await LatestAsync();
        return Has(conversation)
            ? SessionView.Of(
                Id, conversation, _live.Find(turn => turn.IsRunning && conversation.Open?.Started.TurnId == turn.TurnId), _config.Text.MaxPositions)
            : throw Unknown();
    }

    /// <inheritdoc/>
    public async Task<bool> Cancel(string turnId)
    {
        var turns = _live.FindAll(turn => turn.TurnId == turnId);
        foreach (var turn in turns)
        {
            turn.IsAbandoned = false;
            await turn.Cancel.CancelAsync();
        }

        return turns.Count > 0;
    }

    private bool Exists => Has(_conversation);

    private bool Has(Conversation conversation) => (conversation.LogLength > 0 && !conversation.IsDeleted) || _live.Count > 0;

    /// <summary>Finds the turn of a request, or begins it; nothing is awaited, so nothing comes between.</summary>
    private (TurnBuffer Buffer, LiveTurn? Turn) Join(TurnRequestMessage request)
    {
        try
        {
            if (!Exists && !request.MayCreate)
            {
                throw Unknown();
            }

            TurnRequestRule.Check(Id, request, _options);
            var turnId = request.TurnId.Length > 0 ? request.TurnId : Guid.NewGuid().ToString("N");
            var content = new TurnContent(
                [.. request.Parts.Select(part => new TurnPart(part.Text, part.Image?.ToLowerInvariant()))],
                request.System,
                request.Sampling.ToOptions(),
                request.MaxTokens);
            if (_live.Find(turn => turn.TurnId == turnId && !turn.IsAbandoned) is { } live)
            {
                return live.Content.IsSameAs(content) ? (live.Buffer, live) : throw Conflict(turnId);
            }

            switch (_conversation.Stand(turnId, content))
            {
                case TurnStanding.Ended:
                    var buffer = new TurnBuffer();
                    SessionView.Replay(buffer, Id, _conversation, _conversation.Find(turnId)!, _replica);
                    return (buffer, null);
                case TurnStanding.Conflict:
                    throw Conflict(turnId);
                default:
                    var begun = Begin(turnId, content, request);
                    return (begun.Buffer, begun);
            }
        }
        catch (TurnRefusedException refused)
        {
            OnRefused(request.TurnId, refused);
            throw;
        }
    }

    private LiveTurn Begin(string turnId, TurnContent content, TurnRequestMessage request)
    {
        if (_leaving)
        {
            throw Leaving();
        }

        if (_deleting)
        {
            throw Unknown();
        }

        var mayWait = request.Busy == BusyPolicy.Wait && !_options.RefuseWhileBusy;
        if (!mayWait && _live.Find(other => other.TurnId != turnId) is { } running)
        {
            throw new TurnRefusedException(
                RefusalCode.TurnRunning,
                $"Turn {running.TurnId} is running; wait for it{(_options.RefuseWhileBusy ? " or cancel it." : ", cancel it, or ask to wait.")}");
        }

        if (_live.Count > _options.MaxWaitingTurns)
        {
            throw new TurnRefusedException(
                RefusalCode.QueueFull,
                $"{_live.Count - 1} turns of this session wait already; at most {_options.MaxWaitingTurns} may. Try again later.",
                TimeSpan.FromSeconds(1));
        }

        var before = _live.Count > 0 ? _live[^1].Done : Task.CompletedTask;
        var turn = new LiveTurn(turnId, content, request, before, _time.GetTimestamp());
        _live.Add(turn);
        turn.Done = RunAsync(turn);
        return turn;
    }

    private void OnRefused(string turnId, TurnRefusedException refused)
    {
        _instruments.OnRefused(refused.Code);
        LogRefused(Id, turnId, refused.Code, refused.Message);
    }

    private TurnRefusedException Unknown() =>
        new(RefusalCode.NotFound, $"There is no session '{Id}'; leave the session id empty to start one.");

    private static TurnRefusedException Conflict(string turnId) =>
        new(RefusalCode.AlreadyExists, $"Turn id '{turnId}' was used for another message; choose a new one.");

    private static TurnRefusedException Leaving() => new(
        RefusalCode.Moving, "The session is moving to another silo. Ask again with the same turn id: it goes on.", TimeSpan.FromSeconds(1));
}
