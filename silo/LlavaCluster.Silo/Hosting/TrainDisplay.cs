using LlavaCluster.Training.Recipe;
using Spectre.Console;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// Shows on standard error how training goes: on a terminal a bar with loss, rate and time left, elsewhere a line now and then; notes such
/// as held-out accuracy stay on the screen.
/// </summary>
internal sealed class TrainDisplay(TextWriter output, bool isTerminal, TimeProvider time) : IProgress<TrainProgress>
{
    /// <summary>A line is written so often where there is no terminal.</summary>
    public static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan BarEvery = TimeSpan.FromMilliseconds(300);

    private readonly Lock _gate = new();
    private readonly Queue<string> _notes = new();
    private TrainProgress? _latest;
    private long _lineAt;

    /// <summary>Runs the work and shows its progress.</summary>
    public static async Task RunAsync(Func<IProgress<TrainProgress>, Task> work, TimeProvider time)
    {
        var display = new TrainDisplay(Console.Error, !Console.IsErrorRedirected, time);
        var running = work(display);
        if (display.IsTerminal)
        {
            await display.ShowBarAsync(running);
        }

        await running;
    }

    private bool IsTerminal => isTerminal;

    /// <inheritdoc/>
    public void Report(TrainProgress value)
    {
        if (!isTerminal)
        {
            WriteLine(value);
            return;
        }

        lock (_gate)
        {
            _latest = value;
            if (value.Note is { } note)
            {
                _notes.Enqueue($"{value.Phase} {value.Step:N0}: {note}");
            }
        }
    }

    private void WriteLine(TrainProgress value)
    {
        if (value.Note is null && _lineAt != 0 && time.GetElapsedTime(_lineAt) < LineEvery)
        {
            return;
        }

        _lineAt = time.GetTimestamp();
        output.WriteLine(Sentence(value) + (value.Note is { } note ? $"\n  {note}" : ""));
    }

    private static string Sentence(TrainProgress value) => FormattableString.Invariant(
        $"{value.Phase} {value.Step}/{value.Steps}  loss {value.Loss:F3}  {value.Rate:F0} {value.Unit}/s{Left(value)}");

    private static string Left(TrainProgress value) => value.Left is { } left
        ? FormattableString.Invariant($"  {(int)left.TotalHours}:{left.Minutes:D2}:{left.Seconds:D2} left")
        : "";

    private async Task ShowBarAsync(Task running)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        await console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(async progress =>
            {
                var bar = progress.AddTask("Preparing");
                do
                {
                    Show(console, bar);
                }
                while (!await EndsWithinAsync(running, BarEvery));
                Show(console, bar);
            });
    }

    private void Show(IAnsiConsole console, ProgressTask bar)
    {
        lock (_gate)
        {
            while (_notes.TryDequeue(out var note))
            {
                console.MarkupLine(Markup.Escape(note));
            }

            if (_latest is { } latest)
            {
                bar.Description = Markup.Escape(Sentence(latest));
                bar.MaxValue = Math.Max(1, latest.Steps);
                bar.Value = latest.Step;
            }
        }
    }

    private async Task<bool> EndsWithinAsync(Task running, TimeSpan patience)
    {
        await Task.WhenAny(running, Task.Delay(patience, time));
        return running.IsCompleted;
    }
}
