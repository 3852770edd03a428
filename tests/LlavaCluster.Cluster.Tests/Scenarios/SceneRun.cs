using Grpc.Core;
using LlavaCluster.Cluster.Tests.Processes;
using LlavaCluster.Protos;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>A scene as it is played.</summary>
internal sealed class SceneRun
{
    /// <summary>A scene that is not over by then, on a quiet machine, has failed.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>So long after something happened all gateways know of it, on a quiet machine.</summary>
    private static readonly TimeSpan Rumour = TimeSpan.FromMilliseconds(500);

    /// <summary>So many reasons for which clients asked again are told.</summary>
    private const int MostReasons = 3;

    private readonly Expected _expected;
    private readonly List<Talker> _talkers = [];
    private readonly List<string> _said = [];
    private Task _talking = Task.CompletedTask;

    private SceneRun(SceneCluster cluster, Expected expected, double slack, TimeProvider time)
    {
        (Cluster, _expected, Slack, Time) = (cluster, expected, slack, time);
        Watch = new Watch(time);
    }

    /// <summary>The processes.</summary>
    public SceneCluster Cluster { get; }

    /// <summary>What the clients see.</summary>
    public Watch Watch { get; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>What computing anew may take on this machine.</summary>
    public TimeSpan Prefill => _expected.First;

    /// <summary>By how much every allowed time is longer than on a quiet machine.</summary>
    public double Slack { get; }

    /// <summary>Faults so far.</summary>
    public int Faults { get; private set; }

    /// <summary>Plays a scene.</summary>
    /// <param name="scene">The scene.</param>
    /// <param name="talks">Its clients.</param>
    /// <param name="expected">What must be answered.</param>
    /// <param name="slack">By how much every allowed time is longer than on a quiet machine.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async Task<SceneResult> PlayAsync(
        Scene scene, Talks talks, Expected expected, double slack, TimeProvider time, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(Longest * slack, time);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        var result = new SceneResult(scene.Name);
        SceneRun? run = null;
        try
        {
            await using var cluster = await SceneCluster.StartAsync(
                scene.Silos, slack, patience.Token, scene.Ground, scene.Store);
            run = new SceneRun(cluster, expected, slack, time);
            try
            {
                await run.PlayAsync(scene, talks, patience.Token);
            }
            catch (Exception error)
            {
                result.Failure = error is OperationCanceledException && late.IsCancellationRequested
                    ? $"not over in {Longest.TotalMinutes * slack} minutes"
                    : Sentence(error);
            }

            result.Logs.AddRange(cluster.Silos.Select(silo => $"--- {silo.Plan.Name}\n{silo.Log}"));
        }
        catch (SceneSkippedException skipped)
        {
            result.Skipped = skipped.Message;
        }
        catch (Exception error)
        {
            result.Failure ??= $"the cluster does not start: {Sentence(error)}";
        }

        return run is null ? result : result with
        {
            Turns = run.Watch.Turns,
            Faults = run.Faults,
            WorstGap = run.Watch.WorstGap,
            Recovery = run.Watch.WorstRecovery,
            Repeats = run._talkers.Sum(talker => talker.Repeats),
            Said = [.. run._said, .. run.WhyAgain()],
        };
    }

    /// <summary>The silos of these names; all when there is none.</summary>
    public IEnumerable<SceneSilo> Named(IReadOnlyList<string> names) =>
        names.Count == 0 ? Cluster.Silos : names.Select(name => Cluster[name]);

    /// <summary>The clients.</summary>
    public IReadOnlyList<Talker> Talkers => _talkers;

    /// <summary>Waits until the clients have said all.</summary>
    public Task TalkedAsync(CancellationToken cancellationToken) => _talking.WaitAsync(cancellationToken);

    /// <summary>The fleet as a gateway sees it when it has heard of all that happened until now.</summary>
    public async Task<GetFleetResponse> FleetAsync(CancellationToken cancellationToken)
    {
        await PauseAsync(Rumour * Slack, cancellationToken);
        return await FleetNowAsync(cancellationToken);
    }

    /// <summary>The fleet as the first gateway sees it.</summary>
    public async Task<GetFleetResponse> FleetNowAsync(CancellationToken cancellationToken) =>
        await Cluster.Gateways[0].GetFleetAsync(new GetFleetRequest(), cancellationToken: cancellationToken);

    /// <summary>Waits for a moment of the clients' turns, as long as they talk.</summary>
    /// <exception cref="SceneFailedException">They had said all before.</exception>
    public async Task MomentAsync(Task moment, string what)
    {
        if (await Task.WhenAny(moment, _talking) != moment && _talking.IsCompletedSuccessfully)
        {
            throw new SceneFailedException($"the clients had said all before {what}");
        }

        await moment;
    }

    /// <summary>Adds a line to what was measured.</summary>
    public void Say(string line) => _said.Add(line);

    /// <summary>The moment at which the next fault is to strike; null: whenever it is its turn.</summary>
    public Act.When? Due { get; set; }

    /// <summary>A fault strikes: at its moment, though that may have passed since it was waited for.</summary>
    public async Task StrikeAsync(CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<Moment, int>? met;
        while ((met = Watch.TryStrike(Due)) is null)
        {
            await Due!.RunAsync(this, cancellationToken);
        }

        Faults++;
        Due = null;
        Say($"struck with {string.Join(", ", met.Select(moment => $"{moment.Value} in {moment.Key.ToString().ToLowerInvariant()}"))}");
    }

    /// <summary>How long a fault lasts.</summary>
    public Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken) => Task.Delay(pause, Time, cancellationToken);

    /// <summary>Fails the scene unless something holds.</summary>
    /// <exception cref="SceneFailedException">It does not.</exception>
    public void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new SceneFailedException(otherwise);
        }
    }

    /// <summary>Fails the scene unless a new conversation is refused now, in words that say why.</summary>
    /// <exception cref="SceneFailedException">It is answered, or refused otherwise.</exception>
    public async Task RequireRefusalAsync(StatusCode code, string words, CancellationToken cancellationToken)
    {
        try
        {
            using var call = Cluster.Gateways[0].Chat(
                SiloProcess.Turn("", 1, new Part { Text = "Does it go on?" }), cancellationToken: cancellationToken);
            while (await call.ResponseStream.MoveNext(cancellationToken))
            {
            }
        }
        catch (RpcException error) when (!cancellationToken.IsCancellationRequested)
        {
            Require(
                error.StatusCode == code && error.Status.Detail.Contains(words, StringComparison.Ordinal),
                $"a turn is refused with {error.StatusCode} '{error.Status.Detail}'; {code} with '{words}' is due");
            return;
        }

        throw new SceneFailedException($"a turn is answered that should be refused with {code}");
    }

    /// <summary>A silo that was cut off may have been excluded: then it ends, as it should, and is started anew as a supervisor would.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="fate">It has heard of it by then.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task SettleAsync(SceneSilo silo, TimeSpan fate, CancellationToken cancellationToken)
    {
        await Task.WhenAny(silo.Program.Ended, PauseAsync(fate, cancellationToken));
        if (silo.HasEnded)
        {
            await silo.DisposeAsync();
            await silo.StartAsync(cancellationToken);
        }

        silo.MustStay();
    }

    /// <summary>Why clients had to ask again, the most frequent reasons first.</summary>
    private IEnumerable<string> WhyAgain() => _talkers
        .SelectMany(talker => talker.Why)
        .CountBy(why => why)
        .OrderByDescending(why => why.Value)
        .Take(MostReasons)
        .Select(why => $"asked again {why.Value} times: {why.Key}");

    private static string Sentence(Exception error) => error is SceneFailedException ? error.Message : $"{error.GetType().Name}: {error.Message}";

    private async Task PlayAsync(Scene scene, Talks talks, CancellationToken cancellationToken)
    {
        if (scene.IsWarm)
        {
            await WarmUp.RunAsync(Cluster, Time, cancellationToken);
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var talking = _talking = TalkAsync(scene, talks, stop.Token);
        var acting = ActAsync(scene.Acts, stop.Token);
        try
        {
            // Whichever fails first fails the scene: without clients no act needs to be waited for, and the other way round.
            await await Task.WhenAny(FailureOf(talking, acting), Task.WhenAll(talking, acting));
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(talking, acting).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        Require(acting.IsCompletedSuccessfully, "the clients had said all before everything was done to the cluster");
        for (var session = 0; session < _talkers.Count; session++)
        {
            _expected.Check(session, _talkers[session].Answers);
        }

        await CheckKeptAsync(cancellationToken);
        var repeats = _talkers.Sum(talker => talker.Repeats);
        Require(!scene.IsUnbroken || repeats == 0, $"{repeats} times a client had to ask again");
        var complaint = Cluster.Silos.Select(silo => silo.Complaint()).OfType<string>().FirstOrDefault();
        Require(complaint is null, complaint ?? "");
        await LeftOvers.RequireNoneAsync(this, cancellationToken);
        await Cluster.TerminateAllAsync();
        LeftOvers.RequireNoProcess(Cluster.Folder);
    }

    private Task TalkAsync(Scene scene, Talks talks, CancellationToken cancellationToken)
    {
        var gateways = Cluster.NamedGateways.Where(gateway => scene.Called is not { } called || gateway.Name == called).ToArray();
        _talkers.AddRange(Enumerable.Range(0, talks.Sessions).Select(i => new Talker(i, talks, gateways, Watch, Time)));
        return Task.WhenAll(_talkers.Select(talker => talker.RunAsync(cancellationToken)));
    }

    private async Task ActAsync(IReadOnlyList<Act> acts, CancellationToken cancellationToken)
    {
        foreach (var act in acts)
        {
            await act.RunAsync(this, cancellationToken);
        }
    }

    /// <summary>Completes, failing, when one of them fails.</summary>
    private static async Task FailureOf(params Task[] tasks)
    {
        var left = tasks.ToList();
        while (left.Count > 0)
        {
            var done = await Task.WhenAny(left);
            await done;
            left.Remove(done);
        }
    }

    /// <summary>What the cluster has written down must be what the clients heard.</summary>
    private async Task CheckKeptAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < _talkers.Count; i++)
        {
            var kept = await Cluster.Gateways[i % Cluster.Gateways.Count].GetSessionAsync(
                new GetSessionRequest { SessionId = _talkers[i].Session }, cancellationToken: cancellationToken);
            _expected.CheckKept(i, _talkers[i].Answers.Count, kept);
        }
    }
}
