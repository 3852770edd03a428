namespace LlavaCluster.Core.Moving;

/// <summary>
/// Reads and writes whole KV blocks of a runner, beside its steps. Any thread, several at once: the caller holds the blocks, so that no step
/// writes one that is read, nor touches one that is written. Belongs to the runner.
/// </summary>
public interface IBlockBytes
{
    /// <summary>Bytes of one block.</summary>
    long BlockBytes { get; }

    /// <summary>Copies a block out.</summary>
    /// <param name="block">The block.</param>
    /// <param name="to"><see cref="BlockBytes"/> bytes.</param>
    /// <exception cref="ObjectDisposedException">The runner has ended.</exception>
    void Read(int block, Span<byte> to);

    /// <summary>Overwrites a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="from"><see cref="BlockBytes"/> bytes, as <see cref="Read"/> of a runner of the same shape gave them.</param>
    /// <exception cref="ObjectDisposedException">The runner has ended.</exception>
    void Write(int block, ReadOnlySpan<byte> from);
}
