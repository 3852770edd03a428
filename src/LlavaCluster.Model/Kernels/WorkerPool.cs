using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace LlavaCluster.Model.Kernels;

/// <summary>
/// The threads that kernels run on, one of them the caller's. A worker that finds nothing to do spins a short while, since the next
/// kernel of a step comes within microseconds, then sleeps. The caller waits for workers that have begun, never for one that the
/// system lets wait for a processor: it does the whole work itself then. Any thread may call; callers take turns.
/// </summary>
internal sealed unsafe partial class WorkerPool : IDisposable
{
    /// <summary>Looks for work before sleep: some tens of microseconds.</summary>
    private const int Spins = 2000;

    /// <summary>In <see cref="_state"/>: workers may still join. Below it: how many are at work.</summary>
    private const int Open = 1 << 16;

    private static readonly ConcurrentDictionary<int, WorkerPool> Shared = new();

    private readonly Lock _turn = new();
    private readonly ProcessorTurns? _turns;
    private readonly Worker[] _others;
    private ParallelWork? _work;
    private int _generation;
    private int _state;
    private volatile bool _stopped;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Starts the workers.</summary>
    /// <param name="workers">At least 1; the caller's thread is one of them.</param>
    /// <param name="turns">They give way to steps of the language model; null: to nobody.</param>
    public WorkerPool(int workers, ProcessorTurns? turns = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        (Workers, _turns) = (workers, turns);
        _others = [.. Enumerable.Range(1, workers - 1).Select(number => new Worker(number))];
        foreach (var worker in _others)
        {
            var thread = new Thread(() => Loop(worker)) { IsBackground = true, Name = $"kernel worker {worker.Number}" };
            thread.Start();
        }
    }

    /// <summary>The process's pool of so many threads; never disposed, asleep when unused.</summary>
    public static WorkerPool Of(int workers) => Shared.GetOrAdd(workers, count => new WorkerPool(count));

    /// <summary>Threads that work, the caller's among them.</summary>
    public int Workers { get; }

    /// <summary>Does all items; returns when the last is done.</summary>
    public void Run(ParallelWork work)
    {
        var items = work.Items;
        if (items <= 1 || Workers == 1)
        {
            for (var item = 0; item < items; item++)
            {
                GiveWay();
                work.Do(item, 0);
            }

            return;
        }

        lock (_turn)
        {
            work.Next = 0;
            _work = work;
            Volatile.Write(ref _state, Open);
            Interlocked.Increment(ref _generation);
            foreach (var worker in _others)
            {
                if (Interlocked.Exchange(ref worker.Sleeping, 0) == 1)
                {
                    worker.Wake.Release();
                }
            }

            Take(work, 0);
            Interlocked.Add(ref _state, -Open);
            var spin = default(SpinWait);
            while (Volatile.Read(ref _state) != 0)
            {
                GiveWay(); // a worker that gives way is waited for asleep
                spin.SpinOnce(sleep1Threshold: -1);
            }

            _work = null;
            if (_failure is { } failure)
            {
                _failure = null;
                failure.Throw();
            }
        }
    }

    /// <summary>Before each item, and within long ones: lets those compute first to whom this pool gives way.</summary>
    public void GiveWay() => _turns?.GiveWay();

    /// <summary>Ends the workers; none may be at work.</summary>
    public void Dispose()
    {
        _stopped = true;
        Interlocked.Increment(ref _generation);
        foreach (var worker in _others)
        {
            if (Interlocked.Exchange(ref worker.Sleeping, 0) == 1)
            {
                worker.Wake.Release();
            }
        }
    }

    private void Loop(Worker worker)
    {
        Pin(worker.Number, Workers);
        var seen = 0;
        while (true)
        {
            seen = Await(worker, seen);
            if (_stopped)
            {
                return;
            }

            if (TryJoin())
            {
                Take(_work!, worker.Number);
                Interlocked.Decrement(ref _state);
            }
        }
    }

    /// <summary>False when the work that this worker was woken for is done already. Whoever has joined is waited for.</summary>
    private bool TryJoin()
    {
        var state = Volatile.Read(ref _state);
        while (state >= Open)
        {
            var found = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (found == state)
            {
                return true;
            }

            state = found;
        }

        return false;
    }

    private void Take(ParallelWork work, int worker)
    {
        try
        {
            var items = work.Items;
            for (var item = Interlocked.Increment(ref work.Next) - 1; item < items; item = Interlocked.Increment(ref work.Next) - 1)
            {
                GiveWay();
                work.Do(item, worker);
            }
        }
        catch (Exception failure)
        {
            _failure = ExceptionDispatchInfo.Capture(failure); // the caller throws it
        }
    }

    /// <summary>Waits for a generation other than <paramref name="seen"/>. A wake may come late, for one that was seen already.</summary>
    /// <returns>The generation.</returns>
    private int Await(Worker worker, int seen)
    {
        while (true)
        {
            for (var i = 0; i < Spins; i++)
            {
                if (Volatile.Read(ref _generation) is var now && now != seen)
                {
                    return now;
                }

                Thread.SpinWait(8);
            }

            Interlocked.Exchange(ref worker.Sleeping, 1);
            if (Volatile.Read(ref _generation) is var begun && begun != seen && Interlocked.Exchange(ref worker.Sleeping, 0) == 1)
            {
                return begun; // it began in between, and nobody has woken this worker
            }

            worker.Wake.Wait();
        }
    }

    /// <summary>
    /// Binds this thread to one of the processors that the process may use, where there is a worker for each. A smaller pool has
    /// neighbours, often pools of the same kind in other processes: the system places them better than a fixed rule.
    /// </summary>
    private static void Pin(int number, int workers)
    {
        const int Bytes = 128;
        var allowed = stackalloc byte[Bytes];
        if (sched_getaffinity(0, Bytes, allowed) < 0)
        {
            return;
        }

        var processors = new List<int>();
        for (var i = 0; i < Bytes * 8; i++)
        {
            if (((allowed[i / 8] >> (i % 8)) & 1) == 1)
            {
                processors.Add(i);
            }
        }

        if (processors.Count != workers)
        {
            return;
        }

        var mine = processors[number];
        new Span<byte>(allowed, Bytes).Clear();
        allowed[mine / 8] = (byte)(1 << (mine % 8));
        _ = sched_setaffinity(0, Bytes, allowed);
    }

    [LibraryImport("libc")]
    private static partial int sched_getaffinity(int thread, nuint bytes, byte* mask);

    [LibraryImport("libc")]
    private static partial int sched_setaffinity(int thread, nuint bytes, byte* mask);

    private sealed class Worker(int number)
    {
        /// <summary>1 while it sleeps, or is about to.</summary>
        public int Sleeping;

        public int Number { get; } = number;

        public SemaphoreSlim Wake { get; } = new(0);
    }
}
