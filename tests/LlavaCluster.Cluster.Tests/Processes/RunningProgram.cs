using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>
/// A program that runs beside the tests: what it wrote so far, signals, its exit code. Killed when disposed.
/// </summary>
internal sealed partial class RunningProgram : IAsyncDisposable
{
    /// <summary>SIGINT.</summary>
    public const int Interrupt = 2;

    /// <summary>SIGTERM.</summary>
    public const int Terminate = 15;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly Transcript _output;
    private readonly Transcript _errors;
    private bool _disposed;

    private RunningProgram(Process process)
    {
        _process = process;
        Ended = process.WaitForExitAsync();
        _output = new Transcript(process.StandardOutput);
        _errors = new Transcript(process.StandardError);
    }

    /// <summary>Number of the process.</summary>
    public int Id => _process.Id;

    /// <summary>Standard output so far.</summary>
    public string Output => _output.Text;

    /// <summary>Standard error so far.</summary>
    public string Errors => _errors.Text;

    /// <summary>Completes when the process has ended.</summary>
    public Task Ended { get; }

    /// <summary>True when it has.</summary>
    public bool HasExited => Ended.IsCompleted;

    /// <summary>Starts a program.</summary>
    public static RunningProgram Start(string program, params string[] arguments)
    {
        // A shell gives a job in its background an ignored SIGINT, which programs inherit and .NET keeps: the tests' own standing must
        // not decide what a signal does.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new RunningProgram(Process.Start(start)!);
    }

    /// <summary>Runs a program to its end. Lines of progress, which only slow machines get to see, are left out of the errors.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string program, params string[] arguments)
    {
        await using var running = Start(program, arguments);
        running._process.StandardInput.Close();
        var (exitCode, output, errors) = await running.ExitAsync();
        return (exitCode, output, ProgressLine().Replace(errors, ""));
    }

    /// <summary>Waits until standard output has this text behind a place; gives the place behind it.</summary>
    public Task<int> OutputAsync(string text, int from = 0) => _output.WaitForAsync(text, from, this);

    /// <summary>Waits until standard error has this text.</summary>
    public Task<int> ErrorsAsync(string text, int from = 0) => _errors.WaitForAsync(text, from, this);

    /// <summary>Types a line.</summary>
    public async Task TypeAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Sends a signal.</summary>
    public void Signal(int signal) => Kill(_process.Id, signal);

    /// <summary>Waits for its end.</summary>
    public async Task<(int ExitCode, string Output, string Errors)> ExitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        await Task.WhenAll(_output.End, _errors.End).WaitAsync(patience.Token);
        return (_process.ExitCode, Output, Errors);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync().WaitAsync(Patience);
        }

        await Task.WhenAll(_output.End, _errors.End).WaitAsync(Patience);
        _process.Dispose();
    }

    [GeneratedRegex(@"^[^\n]+: \d+ % of [^\n]+\n", RegexOptions.Multiline)]
    private static partial Regex ProgressLine();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    /// <summary>What came out of a stream, and who waits for more.</summary>
    private sealed class Transcript
    {
        private readonly Lock _gate = new();
        private readonly StringBuilder _text = new();
        private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Transcript(StreamReader stream) => End = ReadAsync(stream);

        public Task End { get; }

        public string Text
        {
            get
            {
                lock (_gate)
                {
                    return _text.ToString();
                }
            }
        }

        public async Task<int> WaitForAsync(string text, int from, RunningProgram program)
        {
            using var patience = new CancellationTokenSource(Patience);
            while (true)
            {
                Task more;
                string all;
                lock (_gate)
                {
                    (more, all) = (_more.Task, _text.ToString());
                }

                var at = all.IndexOf(text, Math.Min(from, all.Length), StringComparison.Ordinal);
                if (at >= 0)
                {
                    return at + text.Length;
                }

                Task first;
                try
                {
                    first = await Task.WhenAny(more, End).WaitAsync(patience.Token);
                }
                catch (OperationCanceledException)
                {
                    throw new TimeoutException($"No '{text}' within {Patience.TotalSeconds} s. The program wrote:\n{program.Output}\n{program.Errors}");
                }

                if (first == End && Text == all)
                {
                    throw new InvalidOperationException(
                        $"The program ended without '{text}'. It wrote:\n{program.Output}\n{program.Errors}");
                }
            }
        }

        private async Task ReadAsync(StreamReader stream)
        {
            var buffer = new char[4096];
            for (int read; (read = await stream.ReadAsync(buffer)) > 0;)
            {
                TaskCompletionSource waiting;
                lock (_gate)
                {
                    _text.Append(buffer, 0, read);
                    waiting = _more;
                    _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
                }

                waiting.SetResult();
            }
        }
    }
}
