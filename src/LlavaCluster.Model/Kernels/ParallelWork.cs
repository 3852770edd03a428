namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Work that falls into items which any worker may do, in any order. Objects are kept and used again, so that a step of the model
/// allocates nothing.
/// </summary>
internal abstract class ParallelWork
{
    /// <summary>The next item to be taken.</summary>
    internal int Next;

    /// <summary>Items.</summary>
    public abstract int Items { get; }

    /// <summary>Does one item.</summary>
    /// <param name="item">0 … <see cref="Items"/> − 1.</param>
    /// <param name="worker">Who does it, 0 … workers − 1: scratch memory goes by it.</param>
    public abstract void Do(int item, int worker);
}
