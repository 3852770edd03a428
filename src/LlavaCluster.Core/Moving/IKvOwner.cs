namespace LlavaCluster.Core.Moving;

/// <summary>An engine whose KV blocks others may copy. Any thread.</summary>
public interface IKvOwner
{
    /// <summary>
    /// Holds those of some blocks that are on the device, so that they stay what they are until the loan is disposed. Of several ranks each
    /// lends its part by then: <see cref="LentParts"/>.
    /// </summary>
    /// <param name="keys">Keys of blocks; <see cref="Scheduling.BlockKeys"/>.</param>
    /// <returns>The loan, of none of them perhaps; null: this engine lends nothing, now or ever.</returns>
    Task<KvLoan?> LendAsync(IReadOnlyList<UInt128> keys);
}

/// <summary>Blocks that are held for somebody who copies them.</summary>
/// <param name="bytes">Reads them.</param>
/// <param name="blocks">Places among the keys that were asked for, ascending, each with its block.</param>
/// <param name="end">Called once, when they need not be held any more.</param>
public sealed class KvLoan(IBlockBytes bytes, IReadOnlyList<(int Index, int Block)> blocks, Action<KvLoan> end) : IDisposable
{
    private readonly TaskCompletionSource<bool> _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _ended;

    /// <summary>Drawn anew for each: who was not told it is lent nothing by other ranks.</summary>
    public Guid Id { get; } = Guid.NewGuid();

    /// <summary>Reads the blocks.</summary>
    public IBlockBytes Bytes => bytes;

    /// <summary>Places among the keys that were asked for, ascending, each with its block.</summary>
    public IReadOnlyList<(int Index, int Block)> Blocks => blocks;

    /// <summary>Gives the blocks back. Any thread.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            end(this);
        }
    }

    /// <summary>Gives the blocks back. Any thread.</summary>
    /// <returns>True when they were held, on all ranks, until then; false when the engine ended first.</returns>
    public Task<bool> EndAsync()
    {
        Dispose();
        return _over.Task;
    }

    /// <summary>The engine has taken them back, or has ended with the loan.</summary>
    internal void NoteOver(bool wasHeld) => _over.TrySetResult(wasHeld);
}
