using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Silo.Api;

/// <summary>What has been told of a turn, over all calls of its session's grain: the next call asks for what is missing. One thread.</summary>
/// <param name="request">The turn.</param>
internal sealed class RelayedTurn(TurnRequestMessage request)
{
    private bool _hasStarted;
    private bool _hasRest;

    /// <summary>What to ask for next.</summary>
    public TurnRequestMessage Request { get; private set; } = request;

    /// <summary>True when the event is new to the client, and not told again by a repeated call.</summary>
    public bool Take(TurnEventMessage next)
    {
        switch (next)
        {
            case TurnWaitingMessage:
                return false;
            case TurnStartedMessage:
                var isNew = !_hasStarted;
                _hasStarted = true;
                return isNew;
            case TurnDeltaMessage { Tokens.Count: 0 }:
                // The rest of the text has no token by which it could be left out.
                isNew = !_hasRest;
                _hasRest = true;
                return isNew;
            case TurnDeltaMessage delta:
                Request = Request with { ResumeFrom = delta.Offset + delta.Tokens.Count };
                return true;
            default:
                return true;
        }
    }
}
