using System.Text;
using Grpc.Core;
using LlavaCluster.Protos;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// The client of one session. It sends each turn to a gateway drawn at random. When a stream breaks it asks another gateway for the same
/// turn, from the first token that it has not seen; and it holds every event against what the interface promises.
/// </summary>
/// <param name="number">Number of the session.</param>
/// <param name="talks">What to say.</param>
/// <param name="gateways">All gateways, by name, and clients of them.</param>
/// <param name="watch">Is told what comes.</param>
/// <param name="time">The clock.</param>
internal sealed class Talker(
    int number, Talks talks, IReadOnlyList<(string Name, Llava.LlavaClient Client)> gateways, Watch watch, TimeProvider time)
{
    /// <summary>Without any event for so long a turn is lost.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>Positions of a KV block.</summary>
    private const int BlockTokens = 16;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Random _random = new(number);
    private readonly List<SpokenAnswer> _answers = [];
    private readonly List<string> _why = [];
    private int _known;

    /// <summary>Id of the session; empty until the server has told it.</summary>
    public string Session { get; private set; } = "";

    /// <summary>Answers so far.</summary>
    public IReadOnlyList<SpokenAnswer> Answers => _answers;

    /// <summary>How often a turn was asked for again.</summary>
    public int Repeats => _why.Count;

    /// <summary>What each of those calls had ended with.</summary>
    public IReadOnlyList<string> Why => _why;

    /// <summary>Tokens in whole KV blocks that a replica had computed for the conversation before, over all turns.</summary>
    public long Due { get; private set; }

    /// <summary>So many of them were found again.</summary>
    public long Found { get; private set; }

    /// <summary>Who answered last.</summary>
    public string Replica { get; private set; } = "";

    /// <summary>How often another replica answered than the turn before.</summary>
    public int Moves { get; private set; }

    /// <summary>The whole conversation.</summary>
    /// <exception cref="SceneFailedException">A promise of the interface was broken, or a turn was lost.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        for (var turn = 0; turn < talks.Turns; turn++)
        {
            var request = talks.Request(number, turn);
            request.SessionId = Session;
            watch.Asked(number, Talks.HasPicture(number, turn));
            var hearing = new Hearing(this, request.TurnId);
            try
            {
                await HearAsync(request, hearing, cancellationToken);
            }
            catch
            {
                watch.Gone(number);
                throw;
            }

            _answers.Add(hearing.Answer);
            Note(hearing.First!, hearing.Tokens);
            watch.Ended(number);
        }
    }

    /// <summary>Counts what the turn found of what was computed before it.</summary>
    private void Note(TurnStarted started, int answered)
    {
        var due = _known / BlockTokens * BlockTokens;
        Due += due;
        Found += Math.Min(due, started.CachedTokens);
        Moves += Replica.Length > 0 && Replica != started.Replica ? 1 : 0;
        Replica = started.Replica;
        // The last token of an answer is not computed.
        _known = started.PromptTokens + answered - 1;
    }

    private async Task HearAsync(ChatRequest request, Hearing hearing, CancellationToken cancellationToken)
    {
        var gateway = _random.Next(gateways.Count);
        var silentSince = time.GetTimestamp();
        while (true)
        {
            (request.SessionId, request.ResumeFrom) = (Session, hearing.Tokens);
            RpcException? broken = null;
            watch.Called(number, gateways[gateway].Name);
            try
            {
                using var call = gateways[gateway].Client.Chat(request, cancellationToken: cancellationToken);
                hearing.CallBegins();
                while (await call.ResponseStream.MoveNext(cancellationToken))
                {
                    silentSince = time.GetTimestamp();
                    if (hearing.Take(call.ResponseStream.Current))
                    {
                        return;
                    }
                }
            }
            catch (RpcException error) when (IsWorthRepeating(error) && !cancellationToken.IsCancellationRequested)
            {
                broken = error;
            }
            catch (RpcException error) when (!cancellationToken.IsCancellationRequested)
            {
                throw Failed(request, $"{error.StatusCode}: {error.Status.Detail}", error);
            }

            if (time.GetElapsedTime(silentSince) > Patience)
            {
                throw Failed(request, $"not heard of for {Patience.TotalSeconds} s; the last attempt: {broken?.Message ?? "ended without a word"}", broken);
            }

            _why.Add(broken is null ? "ended without a word" : $"{broken.StatusCode}: {broken.Status.Detail}");
            gateway = (gateway + 1) % gateways.Count;
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>What the interface tells clients to ask for again, and connections that broke. Our own faults (Internal) are not.</summary>
    private static bool IsWorthRepeating(RpcException error) =>
        error.StatusCode is StatusCode.Unavailable or StatusCode.ResourceExhausted
        || (error.StatusCode is StatusCode.Internal or StatusCode.Cancelled && error.Status.DebugException is not null);

    private SceneFailedException Failed(ChatRequest request, string what, Exception? inner = null) =>
        new($"Session {number} ({Session}), {request.TurnId}: {what}", inner);

    /// <summary>One turn as it was heard, over all calls.</summary>
    private sealed class Hearing(Talker talker, string turn)
    {
        private readonly List<int> _tokens = [];
        private readonly StringBuilder _text = new();
        private bool _started;
        private bool _hasRest;

        public int Tokens => _tokens.Count;

        /// <summary>How the turn began, when it was asked for first.</summary>
        public TurnStarted? First { get; private set; }

        public SpokenAnswer Answer => new(_tokens, _text.ToString());

        public void CallBegins() => _started = false;

        /// <summary>True at the end.</summary>
        public bool Take(ChatEvent happened)
        {
            switch (happened.EventCase)
            {
                case ChatEvent.EventOneofCase.Started:
                    Require(!_started, "a second 'started' in one call");
                    Require(talker.Session.Length == 0 || happened.Started.SessionId == talker.Session, $"session {happened.Started.SessionId} answers");
                    Require(happened.Started.TurnId == turn, $"turn {happened.Started.TurnId} is answered");
                    _started = true;
                    First ??= happened.Started;
                    talker.Session = happened.Started.SessionId;
                    talker.Tell(watch => watch.Started(talker.Number, happened.Started.Replica));
                    return false;
                case ChatEvent.EventOneofCase.Delta:
                    Require(_started, "tokens before 'started'");
                    Require(happened.Delta.Offset == _tokens.Count, $"offset {happened.Delta.Offset} where {_tokens.Count} is due");
                    _tokens.AddRange(happened.Delta.TokenIds);
                    // The rest of the text is told again by each call.
                    _text.Append(_hasRest && happened.Delta.TokenIds.Count == 0 ? "" : happened.Delta.Text);
                    _hasRest |= happened.Delta.TokenIds.Count == 0;
                    if (happened.Delta.TokenIds.Count > 0)
                    {
                        talker.Tell(watch => watch.Came(talker.Number, happened.Delta.TokenIds.Count));
                    }

                    return false;
                default:
                    Require(_started, "'finished' before 'started'");
                    Require(happened.Finished.Reason == FinishReason.Length, $"it ends for the reason {happened.Finished.Reason} after {_tokens.Count} tokens");
                    Require(
                        happened.Finished.Usage.GeneratedTokens == _tokens.Count,
                        $"'finished' counts {happened.Finished.Usage.GeneratedTokens} tokens, {_tokens.Count} came");
                    return true;
            }
        }

        private void Require(bool holds, string otherwise)
        {
            if (!holds)
            {
                throw new SceneFailedException($"Session {talker.Number} ({talker.Session}), {turn}: {otherwise}.");
            }
        }
    }

    private int Number => number;

    private void Tell(Action<Watch> word) => word(watch);
}
