using LlavaCluster.Protos;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>What an undisturbed run answered: the oracle of all scenes.</summary>
/// <param name="answers">Answers by session and turn; a scene may have fewer of both.</param>
/// <param name="first">The longest that a client waited for a first token.</param>
internal sealed class Expected(IReadOnlyList<IReadOnlyList<SpokenAnswer>> answers, TimeSpan first)
{
    /// <summary>Nothing is measured by its clients' patience.</summary>
    private const double Patience = 30;

    /// <summary>
    /// The longest that a client waited for the first token of an answer, all beginning at once: how long this machine takes to compute
    /// what a fault has lost. It is added to the times that are allowed.
    /// </summary>
    public TimeSpan First => first;

    /// <summary>Has one silo, which nobody disturbs, answer all of it.</summary>
    /// <param name="talks">What is asked.</param>
    /// <param name="ranks">Ranks that the model is split over.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<Expected> RunAsync(Talks talks, int ranks, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var cluster = await SceneCluster.StartAsync(
            [new SiloPlan("undisturbed", "gateway,encoder,decoder", "--max-sequences", "64", "--threads", "1", "--tp", $"{ranks}")],
            Patience,
            cancellationToken);
        await WarmUp.RunAsync(cluster, time, cancellationToken);
        var watch = new Watch(time);
        var talkers = Enumerable.Range(0, talks.Sessions).Select(i => new Talker(i, talks, [.. cluster.NamedGateways], watch, time)).ToArray();
        await Task.WhenAll(talkers.Select(talker => talker.RunAsync(cancellationToken)));
        return new Expected([.. talkers.Select(talker => talker.Answers)], watch.WorstFirst);
    }

    /// <summary>Holds what a client heard of a session against it, turn by turn.</summary>
    /// <exception cref="SceneFailedException">A token or a text differs.</exception>
    public void Check(int session, IReadOnlyList<SpokenAnswer> heard)
    {
        for (var turn = 0; turn < heard.Count; turn++)
        {
            var (due, came) = (answers[session][turn], heard[turn]);
            if (!due.Tokens.SequenceEqual(came.Tokens))
            {
                var at = due.Tokens.Zip(came.Tokens).TakeWhile(pair => pair.First == pair.Second).Count();
                throw new SceneFailedException(
                    $"Session {session}, turn {turn}: {came.Tokens.Count} tokens came, {due.Tokens.Count} were due; they differ from token {at} on.");
            }

            if (due.Text != came.Text)
            {
                throw new SceneFailedException($"Session {session}, turn {turn}: the text is '{came.Text}' where '{due.Text}' was due.");
            }
        }
    }

    /// <summary>Holds what the cluster kept of a whole session against it.</summary>
    /// <exception cref="SceneFailedException">Turns, their order or an answer differ.</exception>
    public void CheckKept(int session, int turns, Session kept)
    {
        var due = answers[session].Take(turns).Select((answer, turn) => ($"turn-{turn}", answer.Text, answer.Tokens.Count, FinishReason.Length));
        var found = kept.Turns.Select(turn => (turn.TurnId, turn.Answer, turn.AnswerTokens, turn.Reason));
        if (!due.SequenceEqual(found) || kept.RunningTurnId.Length > 0)
        {
            throw new SceneFailedException($"Session {session} is kept otherwise than it was heard: {kept}");
        }
    }
}
