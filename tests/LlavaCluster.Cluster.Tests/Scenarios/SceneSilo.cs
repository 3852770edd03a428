using LlavaCluster.Cluster.Tests.Processes;
using LlavaCluster.Silo.Hosting;
using LlavaCluster.Tests;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// A silo process of a scene. Its ports stay the same over restarts, so that clients and other silos find it again; they lie below those
/// that the system hands out, so that nobody takes them meanwhile.
/// </summary>
internal sealed class SceneSilo : IAsyncDisposable
{
    private const int Kill = 9, Stop = 19, Continue = 18;

    private readonly string _file;
    private readonly string[] _arguments;
    private readonly List<string> _logs = [];
    private RunningProgram? _program;
    private bool _mayEnd = true;

    /// <summary>Nothing is started yet.</summary>
    /// <param name="plan">What it is.</param>
    /// <param name="shared">Flags of all silos of the cluster.</param>
    public SceneSilo(SiloPlan plan, params IEnumerable<string> shared)
    {
        Plan = plan;
        var grpc = Ports.Free();
        Server = new Uri($"http://127.0.0.1:{grpc}");
        Http = Ports.Free();
        SiloPort = Ports.Free();
        _arguments =
        [
            "serve", "--model", GoldenFolder.Of("checkpoints", "vicuna"), "--dtype", "float32", "--roles", plan.Roles,
            "--grpc", $"{grpc}", "--http", $"{Http}", "--silo-port", $"{SiloPort}",
            "--replica", plan.Replica ?? plan.Name, "--encoder", plan.Name, .. shared, .. plan.Flags,
        ];
        // What it runs under, if anything, is the program that is started.
        string[] line = [.. plan.Under, BuiltProgram.Silo, .. _arguments];
        (_file, _arguments) = (line[0], line[1..]);
    }

    /// <summary>What it is.</summary>
    public SiloPlan Plan { get; }

    /// <summary>Its gRPC port.</summary>
    public Uri Server { get; }

    /// <summary>Its HTTP port.</summary>
    public int Http { get; }

    /// <summary>Its port for other silos.</summary>
    public int SiloPort { get; }

    /// <summary>True while it should run.</summary>
    public bool IsUp => !_mayEnd;

    /// <summary>What all its processes have logged.</summary>
    public string Log => string.Join("\n", [.. _logs, _program?.Errors ?? ""]);

    /// <summary>Its process, while there is one.</summary>
    public RunningProgram Program => _program ?? throw new SceneFailedException($"{Plan.Name} does not run.");

    /// <summary>Starts it and waits until it takes requests.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _program = RunningProgram.Start(_file, _arguments);
        _mayEnd = false;
        await _program.OutputAsync("ready ").WaitAsync(cancellationToken);
    }

    /// <summary>kill −9.</summary>
    public async Task KillAsync()
    {
        _mayEnd = true;
        Program.Signal(Kill);
        await EndedAsync();
    }

    /// <summary>SIGTERM, until its process has ended.</summary>
    /// <exception cref="SceneFailedException">It does not exit with 0.</exception>
    public async Task TerminateAsync()
    {
        _mayEnd = true;
        Program.Signal(RunningProgram.Terminate);
        if (await EndedAsync() is var code && code != 0)
        {
            throw new SceneFailedException($"{Plan.Name} ended with exit code {code} after SIGTERM.");
        }
    }

    /// <summary>SIGSTOP: it holds its connections and says nothing. It may find itself excluded when it moves again, and then ends.</summary>
    public void Freeze()
    {
        MayEnd();
        Program.Signal(Stop);
    }

    /// <summary>What is done now may make it end by itself.</summary>
    public void MayEnd() => _mayEnd = true;

    /// <summary>SIGCONT.</summary>
    public void Thaw() => Program.Signal(Continue);

    /// <summary>True when its process has ended.</summary>
    public bool HasEnded => _program is null or { HasExited: true };

    /// <summary>After a thaw: it is there and stays.</summary>
    public void MustStay() => _mayEnd = false;

    /// <summary>Says so when the process has ended though nobody wanted it to.</summary>
    public string? Complaint() => !_mayEnd && HasEnded ? $"{Plan.Name} ended by itself." : null;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_program is not null)
        {
            await EndAsync();
        }
    }

    private async Task<int> EndedAsync()
    {
        var (code, _, _) = await Program.ExitAsync();
        await EndAsync();
        return code;
    }

    private async Task EndAsync()
    {
        await Program.DisposeAsync();
        _logs.Add(Program.Errors);
        _program = null;
    }
}
