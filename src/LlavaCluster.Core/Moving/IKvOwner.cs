namespace LlavaCluster.Core.Moving;

/// <summary>An engine whose KV blocks others may copy. Any thread.</summary>
public interface IKvOwner
{
    /// <summary>Holds those of some blocks that are on the device, so that they stay what they are until the loan is disposed.</summary>
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
    private int _ended;

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
}
