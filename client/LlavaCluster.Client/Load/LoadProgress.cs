namespace LlavaCluster.Client.Load;

/// <summary>Tells on standard error how far a run is: one line that changes on a terminal, a line now and then elsewhere.</summary>
internal static class LoadProgress
{
    private static readonly TimeSpan OnTerminal = TimeSpan.FromSeconds(1), Elsewhere = TimeSpan.FromSeconds(5);

    /// <summary>Until the run ends.</summary>
    /// <param name="run">The run.</param>
    /// <param name="tally">Its turns.</param>
    /// <param name="turns">Turns of the whole run.</param>
    /// <param name="time">The clock.</param>
    public static async Task ShowAsync(Task run, LoadTally tally, int turns, TimeProvider time)
    {
        var isTerminal = !Console.IsErrorRedirected;
        using var tick = new PeriodicTimer(isTerminal ? OnTerminal : Elsewhere, time);
        while (await Task.WhenAny(run, tick.WaitForNextTickAsync().AsTask()) != run)
        {
            await Console.Error.WriteAsync(isTerminal ? $"\r{tally.Line(turns)}\e[K" : tally.Line(turns) + "\n");
        }

        if (isTerminal)
        {
            await Console.Error.WriteAsync("\r\e[K");
        }
    }
}
