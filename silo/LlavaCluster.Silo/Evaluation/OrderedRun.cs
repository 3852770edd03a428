using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace LlavaCluster.Silo.Evaluation;

/// <summary>Does a work for many things, several at once, and gives the results in the order of the things.</summary>
internal static class OrderedRun
{
    /// <summary>Runs it.</summary>
    /// <param name="things">Taken one by one, as work on them may begin.</param>
    /// <param name="atOnce">How many works may be under way.</param>
    /// <param name="work">The work. When it throws, the enumeration does.</param>
    /// <param name="cancellationToken">Ends all works.</param>
    public static async IAsyncEnumerable<TResult> EachAsync<TThing, TResult>(
        IEnumerable<TThing> things,
        int atOnce,
        Func<TThing, CancellationToken, Task<TResult>> work,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var places = new SemaphoreSlim(atOnce);
        var begun = Channel.CreateUnbounded<Task<TResult>>();
        var beginning = Task.Run(BeginAsync, CancellationToken.None);
        try
        {
            await foreach (var one in begun.Reader.ReadAllAsync(cancellationToken))
            {
                yield return await one;
            }

            await beginning;
        }
        finally
        {
            await ending.CancelAsync();
            await beginning.ContinueWith(_ => { }, TaskScheduler.Default);
            while (begun.Reader.TryRead(out var left))
            {
                await left.ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }

        async Task BeginAsync()
        {
            try
            {
                foreach (var thing in things)
                {
                    await places.WaitAsync(ending.Token);
                    begun.Writer.TryWrite(WorkAsync(thing));
                }

                begun.Writer.TryComplete();
            }
            catch (Exception error)
            {
                begun.Writer.TryComplete(error);
            }
        }

        async Task<TResult> WorkAsync(TThing thing)
        {
            try
            {
                return await work(thing, ending.Token);
            }
            finally
            {
                places.Release();
            }
        }
    }
}
