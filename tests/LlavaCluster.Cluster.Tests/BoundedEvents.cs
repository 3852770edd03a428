namespace LlavaCluster.Cluster.Tests;

/// <summary>Streams of a cluster under test: one that goes silent for ever fails its test instead of stopping the whole run.</summary>
internal static class BoundedEvents
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>The same events; a silence of two minutes is an error.</summary>
    /// <exception cref="TimeoutException">Nothing came, nor did the stream end.</exception>
    public static async IAsyncEnumerable<T> Bounded<T>(this IAsyncEnumerable<T> events)
    {
        var reading = events.GetAsyncEnumerator();
        T? last = default;
        var (count, isSilent) = (0, false);
        async Task<bool> NextAsync()
        {
            var next = reading.MoveNextAsync().AsTask();
            try
            {
                return await next.WaitAsync(Patience);
            }
            catch (TimeoutException) when (!next.IsCompleted)
            {
                isSilent = true;
                throw new TimeoutException($"Nothing came for {Patience.TotalSeconds} s after {count} events. The last one: {last}");
            }
        }

        try
        {
            while (await NextAsync())
            {
                count++;
                yield return last = reading.Current;
            }
        }
        finally
        {
            // Who waits for something that never comes cannot be disposed of either.
            await (isSilent ? default : reading.DisposeAsync());
        }
    }
}
