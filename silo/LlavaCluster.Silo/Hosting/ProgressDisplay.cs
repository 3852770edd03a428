using LlavaCluster.Core.Checkpoint;
using Spectre.Console;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// Shows on standard error how far a long work has come, once it lasts longer than <see cref="Patience"/>: a bar on a
/// terminal,
/// a line per tenth elsewhere.
/// </summary>
/// <param name="title">What is done: "Loading the weights".</param>
/// <param name="output">Where it is shown.</param>
/// <param name="isTerminal">A bar can be drawn there.</param>
/// <param name="time">The clock.</param>
/// <param name="amount">What the total is to people; null: it is bytes.</param>
internal sealed class ProgressDisplay(
    string title, TextWriter output, bool isTerminal, TimeProvider time, Func<long, string>? amount = null) : ILoadProgress
{
    /// <summary>Shorter works are not worth a word.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly long _began = time.GetTimestamp();
    private long _done;
    private long _total;
    private int _lastTenth;

    /// <summary>Runs the work and shows its progress.</summary>
    /// <param name="title">What is done: "Loading the weights".</param>
    /// <param name="work">Reports to what it is given.</param>
    /// <param name="time">The clock.</param>
    /// <param name="amount">What the total is to people; null: it is bytes.</param>
    public static async Task RunAsync(
        string title, Func<ILoadProgress, Task> work, TimeProvider time, Func<long, string>? amount = null)
    {
        var display = new ProgressDisplay(title, Console.Error, !Console.IsErrorRedirected, time, amount);
        var running = work(display);
        if (display.IsTerminal)
        {
            await display.ShowBarAsync(running);
        }

        await running;
    }

    private bool IsTerminal => isTerminal;

    /// <inheritdoc/>
    public void Report(long bytesDone, long bytesTotal)
    {
        Volatile.Write(ref _total, bytesTotal);
        Volatile.Write(ref _done, bytesDone);
        if (isTerminal || bytesTotal <= 0 || time.GetElapsedTime(_began) < Patience)
        {
            return;
        }

        var tenth = (int)(10 * bytesDone / bytesTotal);
        if (tenth > _lastTenth)
        {
            _lastTenth = tenth;
            output.WriteLine($"{title}: {tenth * 10} % of {(amount ?? Size)(bytesTotal)}");
        }
    }

    private static string Size(long bytes) => FormattableString.Invariant($"{bytes / 1e9:N1} GB");

    /// <summary>The bar; over when the work is.</summary>
    private async Task ShowBarAsync(Task running)
    {
        if (await EndsWithinAsync(running, Patience))
        {
            return;
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        await console.Progress().AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async progress =>
            {
                var bar = progress.AddTask(title);
                do
                {
                    bar.MaxValue = Math.Max(1, Volatile.Read(ref _total));
                    bar.Value = Volatile.Read(ref _done);
                }
                while (!await EndsWithinAsync(running, TimeSpan.FromMilliseconds(200)));
            });
    }

    private async Task<bool> EndsWithinAsync(Task running, TimeSpan patience)
    {
        await Task.WhenAny(running, Task.Delay(patience, time));
        return running.IsCompleted;
    }
}
