namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// What the clients of a scene see, moment by moment: how far each stream is, how long each waited for its next token, and how long those
/// that a fault met waited. Any thread.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class Watch(TimeProvider time)
{
    /// <summary>Tokens behind a fault after which a stream counts as recovered: those on their way when it struck are fewer.</summary>
    private const int RecoveredTokens = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, Stream> _streams = [];
    private TaskCompletionSource _changed = NewSignal();
    private bool _faulty;

    /// <summary>Turns that were answered.</summary>
    public int Turns { get; private set; }

    /// <summary>The longest that a stream waited for a token after the one before.</summary>
    public TimeSpan WorstGap { get; private set; }

    /// <summary>The longest that a client waited for the first token of an answer.</summary>
    public TimeSpan WorstFirst { get; private set; }

    /// <summary>The longest that a stream that a fault met waited for a token, first tokens included.</summary>
    public TimeSpan WorstRecovery { get; private set; }

    /// <summary>A turn is sent.</summary>
    public void Asked(int stream, bool hasPicture) =>
        Change(() =>
        {
            _streams[stream] = new Stream(hasPicture) { Last = time.GetTimestamp() };
            if (_faulty)
            {
                Meet(_streams[stream]);
            }
        });

    /// <summary>It is sent, or sent again, to this gateway.</summary>
    public void Called(int stream, string gateway) => Change(() => _streams[stream].Gateway = gateway);

    /// <summary>The engine of this replica has taken it up.</summary>
    public void Started(int stream, string replica) => Change(() => _streams[stream].Replica = replica);

    /// <summary>Tokens came.</summary>
    public void Came(int stream, int tokens) => Change(() =>
    {
        var one = _streams[stream];
        var gap = NoteWait(one);
        if (one.Tokens > 0 && gap > WorstGap)
        {
            WorstGap = gap;
        }
        else if (one.Tokens == 0 && gap > WorstFirst)
        {
            WorstFirst = gap;
        }

        one.Tokens += tokens;
        one.Last = time.GetTimestamp();
        one.Owed = Math.Max(0, one.Owed - tokens);
    });

    /// <summary>The turn is over.</summary>
    public void Ended(int stream) => Change(() =>
    {
        NoteWait(_streams[stream]);
        _streams.Remove(stream);
        Turns++;
    });

    /// <summary>The stream's client gave up or was taken away: it is watched no more.</summary>
    public void Gone(int stream) => Change(() => _streams.Remove(stream));

    /// <summary>
    /// A fault strikes now: every turn under way, and every one that is sent until it is calm again, must recover from it.
    /// </summary>
    /// <param name="due">Only when turns are at this moment; null: whatever they do.</param>
    /// <returns>How many turns it met at which moment; null: the moment has passed, and nothing is struck.</returns>
    public IReadOnlyDictionary<Moment, int>? TryStrike(Act.When? due)
    {
        IReadOnlyDictionary<Moment, int>? met = null;
        Change(() =>
        {
            if (due is not null && !Holds(due.Moment, due.Streams, due.At))
            {
                return;
            }

            met = Enum.GetValues<Moment>().ToDictionary(moment => moment, moment => _streams.Values.Count(stream => stream.IsAt(moment)));
            _faulty = true;
            foreach (var one in _streams.Values)
            {
                Meet(one);
            }
        });
        return met;
    }

    /// <summary>The fault is over.</summary>
    public void Calm() => Change(() => _faulty = false);

    /// <summary>Waits until so many streams are at such a moment.</summary>
    /// <param name="moment">The moment.</param>
    /// <param name="streams">How many.</param>
    /// <param name="at">Only those that come through this gateway or are answered by this replica; null: all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task UntilAsync(Moment moment, int streams, string? at, CancellationToken cancellationToken) =>
        UntilAsync(() => Holds(moment, streams, at), cancellationToken);

    /// <summary>Waits until every turn that a fault met has gone on, or is over.</summary>
    public Task RecoveredAsync(CancellationToken cancellationToken) =>
        UntilAsync(() => _streams.Values.All(stream => stream.Owed == 0), cancellationToken);

    private bool Holds(Moment moment, int streams, string? at) =>
        _streams.Values.Count(stream => stream.IsAt(moment) && stream.Touches(at)) >= streams;

    private async Task UntilAsync(Func<bool> holds, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (holds())
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>How long a stream waited until now; of one that a fault met only what lies behind the fault counts for its recovery.</summary>
    private TimeSpan NoteWait(Stream stream)
    {
        var wait = time.GetElapsedTime(stream.Last);
        if (stream is { Struck: { } struck, Owed: > 0 })
        {
            var since = time.GetElapsedTime(Math.Max(struck, stream.Last));
            WorstRecovery = since > WorstRecovery ? since : WorstRecovery;
        }

        return wait;
    }

    private void Meet(Stream stream)
    {
        stream.Struck ??= time.GetTimestamp();
        stream.Owed = RecoveredTokens;
    }

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            change();
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Stream(bool hasPicture)
    {
        public long Last { get; set; }

        public string Gateway { get; set; } = "";

        /// <summary>Empty: no engine has taken the turn up.</summary>
        public string Replica { get; set; } = "";

        public int Tokens { get; set; }

        public long? Struck { get; set; }

        public int Owed { get; set; }

        public bool IsAt(Moment moment) => moment switch
        {
            Moment.Image => hasPicture && Replica.Length == 0,
            Moment.Prefill => Replica.Length > 0 && Tokens == 0,
            _ => Tokens > 0,
        };

        public bool Touches(string? silo) => silo is null || silo == Gateway || silo == Replica;
    }
}

/// <summary>A point in the life of a turn, as its client can tell.</summary>
internal enum Moment
{
    /// <summary>A turn with a picture was sent, and no engine has taken it up: it waits for its features.</summary>
    Image,

    /// <summary>The engine has taken a turn up and has given no token yet.</summary>
    Prefill,

    /// <summary>Tokens come.</summary>
    Decode,
}
