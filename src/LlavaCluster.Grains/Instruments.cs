using System.Diagnostics;
using System.Diagnostics.Metrics;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains;

/// <summary>Meter <c>LlavaCluster</c>: what the sessions and the engine of this silo do. Any thread.</summary>
public sealed class Instruments : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "LlavaCluster";

    private readonly Meter _meter;
    private readonly Counter<long> _turns;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _promptTokens;
    private readonly Counter<long> _cachedTokens;
    private readonly Counter<long> _answerTokens;
    private readonly Histogram<double> _queueTime;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _stepTime;
    private readonly Counter<long> _computedTokens;
    private readonly Counter<long> _preemptions;
    private volatile TierCounts _tiers = new();
    private volatile KvMoveCounts _moves = new();

    /// <summary>On a meter of this factory.</summary>
    public Instruments(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _turns = _meter.CreateCounter<long>("llava.turns", "{turn}", "Turns that came to an end, by reason.");
        _refused = _meter.CreateCounter<long>("llava.turns.refused", "{turn}", "Turns that were refused, by code.");
        _promptTokens = _meter.CreateCounter<long>("llava.tokens.prompt", "{token}", "Tokens of prompts, image tokens included.");
        _cachedTokens = _meter.CreateCounter<long>("llava.tokens.cached", "{token}", "Tokens of prompts that were found in the KV cache.");
        _answerTokens = _meter.CreateCounter<long>("llava.tokens.answer", "{token}", "Tokens of answers.");
        _queueTime = _meter.CreateHistogram<double>("llava.turn.queue_time", "s", "From a request to its first step.");
        _firstToken = _meter.CreateHistogram<double>("llava.turn.time_to_first_token", "s", "From a turn's coming to its first token.");
        _stepTime = _meter.CreateHistogram<double>("llava.engine.step_time", "s", "One step of the engine of this silo.");
        _computedTokens = _meter.CreateCounter<long>("llava.tokens.computed", "{token}", "Tokens that the engine of this silo computed.");
        _preemptions = _meter.CreateCounter<long>("llava.engine.preemptions", "{preemption}", "Sequences that lost their KV blocks to an older one.");
        _meter.CreateObservableGauge("llava.kv.blocks", BlocksByTier, "{block}", "KV blocks that can be found, by tier.");
        _meter.CreateObservableCounter("llava.kv.moved", MovesByTiers, "{block}", "KV blocks moved between tiers.");
        _meter.CreateObservableCounter("llava.kv.lost", () => _tiers.Lost, "{block}", "KV blocks lost before they were copied to a lower tier.");
        _meter.CreateObservableGauge("llava.kv.rate", RatesByTier, "By/s", "How fast KV blocks come to the device, by tier.");
        _meter.CreateObservableCounter("llava.kv.fetches", FetchesByEnd, "{move}", "Moves of conversations' KV from other replicas, by outcome.");
        _meter.CreateObservableCounter("llava.kv.fetched", () => _moves.Blocks, "{block}", "KV blocks that came from other replicas.");
        _meter.CreateObservableCounter("llava.kv.fetched_bytes", () => _moves.Bytes, "By", "Bytes of KV that came from other replicas.");
        _meter.CreateObservableCounter("llava.kv.damaged", () => _moves.Damaged, "{block}", "KV blocks that came damaged from other replicas.");
        _meter.CreateObservableGauge("llava.kv.fetch_rate", () => _moves.Rate, "By/s", "How fast KV comes from other replicas.");
        _meter.CreateObservableGauge("llava.prefill.rate", () => Math.Max(_tiers.PrefillRate, _moves.PrefillRate), "{token}/s", "How fast prompts are computed.");
    }

    /// <summary>KV blocks were moved between tiers.</summary>
    public void OnTiers(TierCounts counts) => _tiers = counts;

    /// <summary>KV was fetched from another replica, or should have been.</summary>
    public void OnMoves(KvMoveCounts counts) => _moves = counts;

    /// <summary>A turn was taken up.</summary>
    public void OnStarted(int promptTokens, int cachedTokens)
    {
        _promptTokens.Add(promptTokens);
        _cachedTokens.Add(cachedTokens);
    }

    /// <summary>The first token of a turn came.</summary>
    public void OnFirstToken(TimeSpan sinceArrival) => _firstToken.Record(sinceArrival.TotalSeconds);

    /// <summary>A turn came to an end.</summary>
    public void OnFinished(FinishReason reason, int answerTokens, TimingsMessage timings)
    {
        _turns.Add(1, new TagList { { "reason", reason.ToString() } });
        _answerTokens.Add(answerTokens);
        _queueTime.Record(timings.Queued.TotalSeconds);
    }

    /// <summary>A turn was refused.</summary>
    public void OnRefused(RefusalCode code) => _refused.Add(1, new TagList { { "code", code.ToString() } });

    /// <summary>The engine computed a step.</summary>
    public void OnStep(int tokens, TimeSpan took)
    {
        _computedTokens.Add(tokens);
        _stepTime.Record(took.TotalSeconds);
    }

    /// <summary>A sequence lost its KV blocks to an older one.</summary>
    public void OnPreempted() => _preemptions.Add(1);

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<int>> BlocksByTier() =>
        [Of("device", _tiers.Device), Of("host", _tiers.Host), Of("disk", _tiers.Disk)];

    private IEnumerable<Measurement<double>> RatesByTier() => [Of("host", _tiers.HostRate), Of("disk", _tiers.DiskRate)];

    private IEnumerable<Measurement<long>> MovesByTiers() =>
    [
        Between("device", "host", _tiers.ToHost),
        Between("host", "disk", _tiers.ToDisk),
        Between("host", "device", _tiers.FromHost),
        Between("disk", "device", _tiers.FromDisk),
    ];

    private IEnumerable<Measurement<long>> FetchesByEnd() =>
        [Ended("brought", _moves.Moves), Ended("broken", _moves.Failed), Ended("not_worth", _moves.NotWorthMoving)];

    private static Measurement<long> Ended(string outcome, long value) => new(value, new TagList { { "outcome", outcome } });

    private static Measurement<T> Of<T>(string tier, T value)
        where T : struct => new(value, new TagList { { "tier", tier } });

    private static Measurement<long> Between(string from, string to, long value) => new(value, new TagList { { "from", from }, { "to", to } });
}
