using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// How the parts of tensors get from rank to rank, between processes. Works on plain memory; one thread calls, in the same order on all
/// ranks. Every call fails with <see cref="CollectiveAbortedException"/> once a rank is gone.
/// </summary>
internal unsafe interface IRankExchange : IDisposable
{
    /// <summary>Replaces the numbers by their sum over ranks: in order of ranks, in float32, the same bits everywhere.</summary>
    /// <param name="type">float32, bfloat16 or float16.</param>
    /// <param name="data">This rank's numbers.</param>
    /// <param name="count">Numbers, the same on all ranks.</param>
    void AllReduce(ScalarType type, byte* data, long count);

    /// <summary>Lays all ranks' bytes one after the other.</summary>
    /// <param name="mine">This rank's bytes.</param>
    /// <param name="bytes">How many each rank has.</param>
    /// <param name="all">Room for all.</param>
    void AllGather(byte* mine, ReadOnlySpan<long> bytes, byte* all);

    /// <summary>Replaces the bytes by those of <paramref name="root"/>.</summary>
    void Broadcast(byte* data, long bytes, int root);

    /// <summary>Ends all calls, of all ranks. Any thread.</summary>
    void Abort(string reason);

    /// <summary>Fails when a rank is known to be gone. Any thread.</summary>
    void ThrowIfAborted();
}
