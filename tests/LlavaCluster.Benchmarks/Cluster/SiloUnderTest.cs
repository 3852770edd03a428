using System.Diagnostics;
using System.Text.RegularExpressions;
using LlavaCluster.Client;
using LlavaCluster.Cluster.Tests.Processes;
using LlavaCluster.Protos;

namespace LlavaCluster.Benchmarks.Cluster;

/// <summary>A silo in a process of its own, with all roles and its log in files, asked over gRPC.</summary>
internal sealed partial class SiloUnderTest : ITurns, IAsyncDisposable
{
    private readonly RunningProgram _program;
    private readonly LlavaClient _client;

    private SiloUnderTest(RunningProgram program, int grpc) =>
        (_program, _client) = (program, new LlavaClient(new Uri($"http://127.0.0.1:{grpc}")));

    /// <inheritdoc/>
    public TimeSpan ProcessorTime => Of(process => process.TotalProcessorTime);

    /// <summary>Memory of the process that is in use.</summary>
    public double ResidentMib => Of(process => process.WorkingSet64) / (double)(1 << 20);

    /// <summary>Starts one and waits until it is ready.</summary>
    /// <param name="checkpoint">What it serves.</param>
    /// <param name="data">Folder of its log.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<SiloUnderTest> StartAsync(ServedCheckpoint checkpoint, string data, CancellationToken cancellationToken)
    {
        var program = RunningProgram.Start(
            BuiltProgram.Silo,
            ["serve", "--http", "0", "--grpc", "0", "--data", data, .. checkpoint.Shared.SelectMany(s => new[] { s.Flag, s.Value })]);
        await program.OutputAsync("ready ").WaitAsync(cancellationToken);
        await program.OutputAsync("\n").WaitAsync(cancellationToken);
        return new SiloUnderTest(program, int.Parse(Port().Match(program.Output).Groups[1].Value));
    }

    /// <inheritdoc/>
    public async Task<TurnTimes> TurnAsync(int tokens, CancellationToken cancellationToken) =>
        (await OpenAsync(tokens, cancellationToken)).Times;

    /// <summary>Opens sessions with a short turn each.</summary>
    /// <returns>Their ids.</returns>
    public async Task<IReadOnlyList<string>> OpenSessionsAsync(int count, CancellationToken cancellationToken)
    {
        var sessions = new string[count];
        await EachAsync(count, async i => sessions[i] = (await OpenAsync(1, cancellationToken)).Session, cancellationToken);
        return sessions;
    }

    /// <summary>Reads transcripts, which wakes the sessions.</summary>
    public Task WakeAsync(IReadOnlyList<string> sessions, CancellationToken cancellationToken) => EachAsync(
        sessions.Count,
        async i =>
        {
            var session = await _client.GetSessionAsync(sessions[i], cancellationToken);
            if (session.Turns.Count != 1)
            {
                throw new InvalidOperationException($"Session {sessions[i]} came back with {session.Turns.Count} turns instead of 1.");
            }
        },
        cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _program.Signal(RunningProgram.Terminate);
        await _program.ExitAsync();
        await _program.DisposeAsync();
    }

    private static async Task EachAsync(int count, Func<int, Task> act, CancellationToken cancellationToken)
    {
        var done = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = ServedCheckpoint.Most, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(Enumerable.Range(0, count), options, async (i, _) =>
        {
            await act(i);
            if (Interlocked.Increment(ref done) is var now && now % 1000 == 0)
            {
                Console.Error.WriteLine($"{now:N0} of {count:N0} sessions");
            }
        });
    }

    private async Task<(string Session, TurnTimes Times)> OpenAsync(int tokens, CancellationToken cancellationToken)
    {
        var request = new ChatRequest { MaxTokens = tokens, Sampling = new SamplingOptions() };
        request.Parts.Add(new Part { Text = ITurns.Question });
        request.Sampling.LogitBias.Add(ITurns.Endless.Key, ITurns.Endless.Value);
        var (session, first, engine) = ("", default(TimeSpan), new Timings());
        var began = Stopwatch.GetTimestamp();
        await foreach (var happened in _client.ChatAsync(request, cancellationToken))
        {
            session = happened.Started?.SessionId ?? session;
            first = first == default && happened.Delta is not null ? Stopwatch.GetElapsedTime(began) : first;
            engine = happened.Finished?.Timings ?? engine;
            if (happened.Finished is { } finished && finished.Usage.GeneratedTokens != tokens)
            {
                throw new InvalidOperationException($"An answer has {finished.Usage.GeneratedTokens} tokens instead of {tokens}.");
            }
        }

        var whole = Stopwatch.GetElapsedTime(began);
        var engineFirst = TimeSpan.FromSeconds(engine.Queued + engine.Prefill);
        return (session, new TurnTimes(first, whole, engineFirst, engineFirst + TimeSpan.FromSeconds(engine.Decode)));
    }

    private T Of<T>(Func<Process, T> read)
    {
        using var process = Process.GetProcessById(_program.Id);
        return read(process);
    }

    [GeneratedRegex(@"grpc=(\d+)")]
    private static partial Regex Port();
}
