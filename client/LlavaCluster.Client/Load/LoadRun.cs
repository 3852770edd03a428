using Grpc.Core;
using LlavaCluster.Protos;

namespace LlavaCluster.Client.Load;

/// <summary>
/// Talks with a cluster as many people would. With a rate, sessions come at their own moments and a slow cluster has more and more of
/// them at once; without, so many talk at any time.
/// </summary>
/// <param name="client">The cluster.</param>
/// <param name="plan">The load.</param>
/// <param name="pictures">Hashes of uploaded pictures; sessions with a picture take one of them.</param>
/// <param name="time">The clock.</param>
internal sealed class LoadRun(LlavaClient client, LoadPlan plan, IReadOnlyList<string> pictures, TimeProvider time)
{
    private static readonly string[] Vocabulary =
        "what where which how many colour shape picture left right above below between red green blue small large bright round tell describe name count show compare explain most least first second together alone there here with without near far"
            .Split(' ');

    /// <summary>The turns so far.</summary>
    public LoadTally Tally { get; } = new(time);

    /// <summary>Runs all sessions.</summary>
    /// <param name="cancellationToken">Ends the run early; <see cref="Tally"/> keeps what has ended.</param>
    public Task RunAsync(CancellationToken cancellationToken) => plan.Rate is { } rate
        ? ArriveAsync(rate, cancellationToken)
        : Task.WhenAll(Enumerable.Range(0, plan.Concurrency).Select(async place =>
        {
            for (var number = place; number < plan.Sessions; number += plan.Concurrency)
            {
                await TalkAsync(number, cancellationToken);
            }
        }));

    private async Task ArriveAsync(double rate, CancellationToken cancellationToken)
    {
        var random = new Random(plan.Seed);
        var sessions = new List<Task>();
        var due = TimeSpan.Zero;
        for (var number = 0; number < plan.Sessions; number++)
        {
            // By the clock and not one after the other, so that waking late does not lower the rate.
            due += Exponential(random, TimeSpan.FromSeconds(1 / rate));
            if (due - Tally.Elapsed is var wait && wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, time, cancellationToken);
            }

            sessions.Add(TalkAsync(number, cancellationToken));
        }

        await Task.WhenAll(sessions);
    }

    private async Task TalkAsync(int number, CancellationToken cancellationToken)
    {
        var random = new Random(plan.SeedOf(number));
        var picture = pictures.Count > 0 && random.NextDouble() < plan.ImageShare ? pictures[random.Next(pictures.Count)] : null;
        var session = "";
        for (var turn = 0; turn < plan.Turns; turn++)
        {
            var record = new TurnRecord(turn, picture is not null);
            if (turn > 0)
            {
                await ThinkAsync(session, Exponential(random, plan.Think), record, cancellationToken);
            }

            var request = new ChatRequest { SessionId = session, MaxTokens = plan.MaxTokens, Sampling = new SamplingOptions() };
            if (turn == 0 && picture is not null)
            {
                request.Parts.Add(new Part { ImageSha256 = picture });
            }

            request.Parts.Add(new Part { Text = Question(random) });
            session = await AskAsync(request, record, cancellationToken);
            if (record.Error is not null)
            {
                return;
            }
        }
    }

    /// <summary>One turn.</summary>
    /// <returns>The session's id.</returns>
    private async Task<string> AskAsync(ChatRequest request, TurnRecord record, CancellationToken cancellationToken)
    {
        Tally.Begin();
        var session = request.SessionId;
        try
        {
            var (began, last) = (time.GetTimestamp(), 0L);
            await foreach (var happened in client.ChatAsync(request, cancellationToken))
            {
                if (happened.Started is { } started)
                {
                    (session, record.PromptTokens, record.CachedTokens) = (started.SessionId, started.PromptTokens, started.CachedTokens);
                }
                else if (happened.Delta is { TokenIds.Count: > 0 } delta)
                {
                    Note(record, delta.TokenIds.Count, began, ref last);
                }
                else if (happened.Finished is { } finished)
                {
                    Note(record, finished);
                }
            }

            Tally.End(record);
        }
        catch (RpcException error) when (!cancellationToken.IsCancellationRequested)
        {
            record.Error = $"{error.StatusCode}: {error.Status.Detail}";
            Tally.End(record);
        }

        return session;
    }

    private void Note(TurnRecord record, int tokens, long began, ref long last)
    {
        var now = time.GetTimestamp();
        if (record.FirstToken is null)
        {
            record.FirstToken = time.GetElapsedTime(began, now);
        }
        else
        {
            var gap = time.GetElapsedTime(last, now);
            record.Gaps.Add(gap);
            record.Decode += gap;
        }

        last = now;
        record.Tokens += tokens;
        Tally.NoteTokens(tokens);
    }

    private static void Note(TurnRecord record, TurnFinished finished)
    {
        if (finished.Timings is { } timings)
        {
            (record.Queued, record.Prefill) = (TimeSpan.FromSeconds(timings.Queued), TimeSpan.FromSeconds(timings.Prefill));
        }

        if (finished.Reason == FinishReason.Failed)
        {
            record.Error = "The engine failed.";
        }
    }

    private async Task ThinkAsync(string session, TimeSpan think, TurnRecord record, CancellationToken cancellationToken)
    {
        await Task.Delay(think / 2, time, cancellationToken);
        try
        {
            record.Warmed = plan.Warm ? (await client.WarmSessionAsync(session, cancellationToken)).CachedTokens : null;
        }
        catch (RpcException) when (!cancellationToken.IsCancellationRequested)
        {
            // Only a hint: the turn itself will say what is wrong.
        }

        await Task.Delay(think / 2, time, cancellationToken);
    }

    private string Question(Random random) =>
        string.Join(' ', Enumerable.Range(0, plan.Words).Select(_ => Vocabulary[random.Next(Vocabulary.Length)])) + "?";

    private static TimeSpan Exponential(Random random, TimeSpan mean) => mean * -Math.Log(1 - random.NextDouble());
}
