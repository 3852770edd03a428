using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>How the KV of a conversation that nobody talks to gets to a replica, or to another one, before its next turn.</summary>
internal sealed partial class SessionGrain
{
    private readonly List<Task> _warming = [];
    private CancellationTokenSource _endWarming = new();

    /// <inheritdoc/>
    public async Task<WarmMessage> Warm()
    {
        await LoadAsync();
        if (!Exists)
        {
            throw Unknown();
        }

        // A turn that runs or waits has, or fetches, what it needs.
        if (_live.Count > 0 || !CanBeWarmed)
        {
            return new WarmMessage(_conversation.Ids.Count, _conversation.Ids.Count);
        }

        var (probe, place) = await RouteProbeAsync(_replica, avoid: null, CancellationToken.None);
        return await WarmAsync(probe, place, CancellationToken.None);
    }

    /// <inheritdoc/>
    public async Task<bool> MoveFrom(string replica, string tenant, CancellationToken cancellationToken)
    {
        await LoadAsync();
        while (_live is [var turn, ..])
        {
            await turn.LeftAsync(replica, cancellationToken);
            if (turn.Replica is { } other && other != replica)
            {
                return true;
            }
        }

        if (!Exists)
        {
            throw Unknown();
        }

        if (_replica != replica || !CanBeWarmed)
        {
            return false;
        }

        // After a silence this activation may be a new one.
        _tenant = tenant;
        var (probe, place) = await RouteProbeAsync(known: null, replica, cancellationToken);
        if (place.Replica == replica)
        {
            return false;
        }

        await WarmAsync(probe, place, cancellationToken);
        return true;
    }

    /// <summary>Something is there to be computed; and where nothing fits behind the conversation no turn will follow.</summary>
    private bool CanBeWarmed => _conversation.Ids.Count > 0 && _conversation.Ids.Count < _config.Text.MaxPositions;

    /// <summary>Who would serve the next turn, if it had one token.</summary>
    private async Task<(TurnStarted Probe, RouteMessage Place)> RouteProbeAsync(string? known, string? avoid, CancellationToken cancellationToken)
    {
        var probe = new TurnStarted("", [], null, [], [], SamplingOptions.Greedy, 0, 1, _time.GetUtcNow());
        return (probe, await _runner.RouteAsync(Id, known, avoid, _conversation, probe, cancellationToken));
    }

    private async Task<WarmMessage> WarmAsync(TurnStarted probe, RouteMessage place, CancellationToken cancellationToken)
    {
        // It may have been deleted while a place was looked for.
        if (_deleting || !CanBeWarmed)
        {
            throw Unknown();
        }

        var known = _replica;
        var sequence = _admission.Sequence(Id, _conversation, probe, place.Encoders, _tenant) with { KvAt = KvFor(place) };
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _endWarming.Token);
        var warming = _runner.WarmAsync(place, sequence, end.Token);
        _warming.Add(warming);
        try
        {
            var warmed = await warming;
            // A turn that came meanwhile has found its place.
            _replica = _replica == known && _live.Count == 0 ? place.Replica : _replica;
            return warmed;
        }
        finally
        {
            _warming.Remove(warming);
        }
    }

    /// <summary>The session is being deleted: no replica may go on computing it.</summary>
    private async Task EndWarmingAsync()
    {
        await _endWarming.CancelAsync();
        _endWarming = new CancellationTokenSource();
        await Task.WhenAll(_warming).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }
}
