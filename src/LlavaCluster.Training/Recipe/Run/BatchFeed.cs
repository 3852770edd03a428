namespace LlavaCluster.Training.Recipe.Run;

/// <summary>
/// Makes the batches of the next steps on the thread pool while the current one is learned from, at most <c>ahead</c> of them, and hands
/// them out in order. A batch is a function of its step, so that feeds that start anywhere agree.
/// </summary>
/// <param name="make">Makes the batch of a step; several at once.</param>
/// <param name="first">First step.</param>
/// <param name="end">One past the last step.</param>
/// <param name="ahead">Batches in the making.</param>
internal sealed class BatchFeed<T>(Func<int, T> make, int first, int end, int ahead = 3)
{
    private readonly Queue<Task<T>> _waiting = new();
    private int _next = first;

    /// <summary>The next step's batch; waits for it when it is not ready. What making it threw is thrown here.</summary>
    /// <exception cref="InvalidOperationException">All steps have been handed out.</exception>
    public T Next()
    {
        while (_waiting.Count < ahead && _next < end)
        {
            var step = _next++;
            _waiting.Enqueue(Task.Run(() => make(step)));
        }

        return _waiting.TryDequeue(out var batch)
            ? batch.GetAwaiter().GetResult()
            : throw new InvalidOperationException($"The feed ends with step {end - 1}.");
    }
}
