using System.Runtime.InteropServices;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// By what a thread wakes another that waits in <c>poll</c>: an eventfd. Not to be used once disposed, since its number may by then be another file's.
/// </summary>
internal sealed unsafe class Bell : IDisposable
{
    /// <summary>Silent.</summary>
    /// <exception cref="IOException">The process may open no more files.</exception>
    public Bell()
    {
        File = Libc.OpenEvent();
        if (File < 0)
        {
            throw new IOException(
                $"No eventfd for a connection between ranks: {Marshal.GetLastPInvokeErrorMessage()}. Let the process open more files (ulimit -n).");
        }
    }

    /// <summary>What to poll: ready to be read while it rings.</summary>
    public int File { get; }

    /// <summary>Rings until <see cref="Silence"/>. Any thread.</summary>
    public void Ring()
    {
        var one = 1L;
        _ = Libc.Write(File, &one, sizeof(long));
    }

    /// <summary>What happened before the ring must be looked at after this.</summary>
    public void Silence()
    {
        long rung;
        _ = Libc.Read(File, &rung, sizeof(long));
    }

    /// <inheritdoc/>
    public void Dispose() => _ = Libc.Close(File);
}
