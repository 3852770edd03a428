namespace LlavaCluster.Core.Engine;

/// <summary>
/// Work that several want at once is done once. One who stops waiting does not stop the others; when the last one does, the work is
/// cancelled. Any thread.
/// </summary>
/// <typeparam name="TKey">What tells one piece of work from another.</typeparam>
/// <typeparam name="TValue">What it gives.</typeparam>
internal sealed class SingleFlight<TKey, TValue>
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, Flight> _flights = [];

    /// <summary>Joins the work under way, or starts it on the thread pool.</summary>
    public async Task<TValue> RunAsync(TKey key, Func<CancellationToken, Task<TValue>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Flight? flight;
        lock (_lock)
        {
            if (!_flights.TryGetValue(key, out flight))
            {
                flight = new Flight();
                _flights.Add(key, flight);
                flight.Task = FlyAsync(key, flight, work);
            }

            flight.Waiters++;
        }

        try
        {
            return await flight.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                if (--flight.Waiters == 0 && !flight.Task.IsCompleted)
                {
                    // Out of the table first: who comes now starts anew.
                    Remove(key, flight);
                    flight.Cancel.Cancel();
                }
            }
        }
    }

    private async Task<TValue> FlyAsync(TKey key, Flight flight, Func<CancellationToken, Task<TValue>> work)
    {
        try
        {
            return await Task.Run(() => work(flight.Cancel.Token)).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                Remove(key, flight);
            }
        }
    }

    private void Remove(TKey key, Flight flight)
    {
        if (_flights.TryGetValue(key, out var current) && current == flight)
        {
            _flights.Remove(key);
        }
    }

    private sealed class Flight
    {
        public CancellationTokenSource Cancel { get; } = new();

        public Task<TValue> Task { get; set; } = null!;

        public int Waiters { get; set; }
    }
}
