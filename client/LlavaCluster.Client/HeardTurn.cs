using LlavaCluster.Protos;

namespace LlavaCluster.Client;

/// <summary>What a caller has of a turn, over all calls that asked for it: the next call asks for what is missing. One thread.</summary>
/// <param name="ask">The request; it is kept up to date.</param>
internal sealed class HeardTurn(ChatRequest ask)
{
    private bool _hasRest;

    /// <summary>What to ask for next.</summary>
    public ChatRequest Ask => ask;

    /// <summary>An event came.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>True when the event is new to the caller, and not told again by a repeated call.</summary>
    public bool Take(ChatEvent happened)
    {
        switch (happened.EventCase)
        {
            case ChatEvent.EventOneofCase.Started when HasBegun:
                return false;
            case ChatEvent.EventOneofCase.Started:
                (ask.SessionId, ask.TurnId) = (happened.Started.SessionId, happened.Started.TurnId);
                break;
            case ChatEvent.EventOneofCase.Delta:
                // The rest of the text has no token by which it could be left out.
                var isRest = happened.Delta.TokenIds.Count == 0;
                if (isRest && _hasRest)
                {
                    return false;
                }

                _hasRest |= isRest;
                ask.ResumeFrom = happened.Delta.Offset + happened.Delta.TokenIds.Count;
                break;
        }

        return HasBegun = true;
    }
}
