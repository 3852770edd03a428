using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;

namespace LlavaCluster.Core.Replicas;

/// <summary>
/// A process's place among the ranks of a replica. It reports what it does and obeys what it is told: offers itself, joins, serves, and
/// when a rank is lost offers itself anew, with the weights that it has. As an engine it takes sequences while it leads.
/// </summary>
public sealed class RankSeat : IDecodeEngine, IKvOwner, IAsyncDisposable
{
    private readonly RankSeatOptions _options;
    private readonly IRankParts _parts;
    private readonly Func<SeatReport, CancellationToken, Task<SeatOrder>> _report;
    private readonly TimeProvider _time;
    private readonly ISeatObserver _observer;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource? _joining;
    private OfferPlace? _place;
    private SeatOffer? _offer;
    private SeatState _state = SeatState.Preparing;
    private Guid _formation;
    private long _epoch;
    private int? _rank;
    private string _why = "it is starting";
    private volatile DecodeLoop? _loop;
    private volatile bool _movesKv;
    private Task _work = Task.CompletedTask;
    private Task _reports = Task.CompletedTask;
    private int _disposed;

    /// <summary>Nothing happens before <see cref="PrepareAsync"/> and <see cref="Start"/>.</summary>
    /// <param name="options">What the seat is.</param>
    /// <param name="parts">What it computes with; disposed with the seat.</param>
    /// <param name="report">Tells the replica's supervisor, and gives its order.</param>
    /// <param name="time">The clock.</param>
    /// <param name="observer">Is told what happens.</param>
    public RankSeat(
        RankSeatOptions options,
        IRankParts parts,
        Func<SeatReport, CancellationToken, Task<SeatOrder>> report,
        TimeProvider time,
        ISeatObserver observer) =>
        (_options, _parts, _report, _time, _observer) = (options, parts, report, time, observer);

    /// <summary>What the seat does now.</summary>
    public SeatStatus Status
    {
        get
        {
            lock (_gate)
            {
                return new SeatStatus(_state, _rank, _parts.Split.Ranks, _epoch, _why);
            }
        }
    }

    /// <summary>True while this process leads a replica that computes.</summary>
    public bool IsLeading => _loop is { IsHealthy: true };

    /// <summary>True while this process serves in a replica whose ranks all can move KV to other replicas, and fetch theirs.</summary>
    public bool MovesKv => _movesKv;

    /// <inheritdoc/>
    public EngineLoad Load => _loop?.Load ?? new EngineLoad(0, 0, 0, 0);

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationEvent> GenerateAsync(SequenceRequest request, CancellationToken cancellationToken) =>
        _loop is { } loop ? loop.GenerateAsync(request, cancellationToken) : throw NotLeading();

    /// <inheritdoc/>
    public Task<int> ForgetAsync(SequenceRequest conversation) => _loop?.ForgetAsync(conversation) ?? Task.FromResult(0);

    /// <inheritdoc/>
    public Task<KvLoan?> LendAsync(IReadOnlyList<UInt128> keys) => _loop?.LendAsync(keys) ?? Task.FromResult<KvLoan?>(null);

    /// <summary>Reads the weights of the rank that the seat was made for; a spare one waits to be told a rank.</summary>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        if (_options.Rank is { } rank)
        {
            await _parts.PrepareAsync(rank, cancellationToken).ConfigureAwait(false);
            _rank = rank;
        }

        Offer("");
    }

    /// <summary>Begins to report.</summary>
    public void Start() => _reports = ReportAsync();

    /// <summary>Leaves the replica; the weights go too.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) > 0)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _reports.ConfigureAwait(false);
        await _work.ConfigureAwait(false);
        _place?.Dispose();
        await _parts.DisposeAsync().ConfigureAwait(false);
    }

    private SequenceRefusedException NotLeading()
    {
        var status = Status;
        return new(RefusalReason.Stopping, status.State == SeatState.Serving
            ? $"Rank {status.Rank} of replica {_options.Replica} does not lead. Try again in a moment."
            : $"Replica {_options.Replica} is not complete{(status.Why.Length > 0 ? $": {status.Why}" : ".")} Try again in a moment.");
    }

    /// <summary>A new offer, at new ports: nobody who was told of the last one can mean this.</summary>
    private void Offer(string why)
    {
        var place = OfferPlace.Open(_options.Address, _options.Secure);
        var offer = new SeatOffer
        {
            Id = Guid.NewGuid(),
            Seat = _options.Seat,
            OwnRank = _options.Rank,
            Rank = _rank,
            Split = _parts.Split,
            Blocks = _parts.Blocks,
            Below = _parts.Below,
            MovesKv = _options is { Moves: not null, Lent: not null },
            Collectives = place.Collectives.Address,
            Plans = place.Plans.Address,
            NcclId = _rank == 0 ? _parts.NewNcclId() : default,
        };
        lock (_gate)
        {
            _place?.Dispose();
            (_place, _offer, _formation, _why) = (place, offer, Guid.Empty, why);
        }

        Become(SeatState.Free);
    }

    private void Become(SeatState state)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            _state = state;
            changed = _changed;
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }

    private async Task ReportAsync()
    {
        var stop = _stop.Token;
        while (!stop.IsCancellationRequested)
        {
            SeatReport report;
            Task changed;
            lock (_gate)
            {
                (report, changed) = (new SeatReport(_offer!, _state, _epoch, _formation), _changed.Task);
            }

            try
            {
                Obey(await _report(report, stop).WaitAsync(_options.OrderPatience, _time, stop).ConfigureAwait(false), report);
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                // Not only the wait ends so: a supervisor that is down may say so at this moment.
                return;
            }
            catch (Exception error)
            {
                Note($"its supervisor cannot be reached: {error.Message}");
            }

            var pause = report.State == SeatState.Serving ? _options.ReportServingEvery : _options.ReportEvery;
            await Task.WhenAny(changed, Task.Delay(pause, _time, stop)).ConfigureAwait(false);
        }
    }

    private void Obey(SeatOrder order, SeatReport report)
    {
        switch (order)
        {
            case SeatOrder.Join join when report.State == SeatState.Free && join.Formation.RankOf(report.Offer.Id) is var rank and >= 0:
                Begin(SeatState.Joining, join.Formation.Id, stop => ServeAsync(join.Formation, rank, stop));
                break;
            case SeatOrder.Prepare prepare when report.State == SeatState.Free && _options.Rank is null:
                Begin(SeatState.Preparing, Guid.Empty, stop => PrepareSpareAsync(prepare.Rank, stop));
                break;
            case SeatOrder.Leave leave when report.State == SeatState.Joining:
                Note(leave.Why);
                _joining?.Cancel();
                break;
            case SeatOrder.Refuse refuse:
                if (Note(refuse.Why))
                {
                    _observer.Refused(refuse.Why);
                }

                break;
            case SeatOrder.Stay stay when report.State == SeatState.Free:
                Note(stay.Why);
                break;
        }
    }

    private bool Note(string why)
    {
        lock (_gate)
        {
            var isNew = _why != why;
            _why = why;
            return isNew;
        }
    }

    private void Begin(SeatState state, Guid formation, Func<CancellationToken, Task> work)
    {
        lock (_gate)
        {
            (_formation, _why) = (formation, "");
        }

        Become(state);
        _joining = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _work = Task.Run(() => work(_joining.Token));
    }

    /// <summary>One formation, from its beginning to its end.</summary>
    private async Task ServeAsync(Formation formation, int rank, CancellationToken stop)
    {
        var began = _time.GetTimestamp();
        var why = "";
        _epoch = formation.Epoch;
        try
        {
            await using var formed = await FormedRank.FormAsync(formation, rank, _place!, _parts, _options, _time, stop).ConfigureAwait(false);
            _observer.Formed(formation.Epoch, rank, formation.Members.Count, _parts.Carrier, _time.GetElapsedTime(began));
            (_loop, _movesKv) = (formed.Loop, formation.MovesKv);
            Become(SeatState.Serving);
            why = await formed.Ended.WaitAsync(stop).ConfigureAwait(false);
            _observer.Lost(formation.Epoch, rank, why);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            why = Status.Why;
        }
        catch (Exception error)
        {
            why = error.Message;
            _observer.NotFormed(formation.Epoch, rank, why);
        }

        (_loop, _movesKv) = (null, false);
        if (!_stop.IsCancellationRequested)
        {
            Offer(why);
        }
    }

    private async Task PrepareSpareAsync(int rank, CancellationToken stop)
    {
        lock (_gate)
        {
            // Seen by the supervisor at once, so that no other spare seat does the same.
            (_rank, _offer) = (rank, _offer! with { Rank = rank });
        }

        _observer.Prepares(rank);
        try
        {
            await _parts.PrepareAsync(rank, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return;
        }
        catch (Exception error)
        {
            _rank = null;
            _observer.NotPrepared(rank, error);
            Offer($"rank {rank} could not be prepared: {error.Message}");
            return;
        }

        Offer("");
    }
}
