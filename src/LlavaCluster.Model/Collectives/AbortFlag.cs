namespace LlavaCluster.Model.Collectives;

/// <summary>Whether, and why, this rank can no longer work with the others. The first reason stays. Any thread.</summary>
internal sealed class AbortFlag
{
    private string? _reason;

    public bool IsSet => Volatile.Read(ref _reason) is not null;

    /// <summary>True for the one call that set it.</summary>
    public bool TrySet(string reason) => Interlocked.CompareExchange(ref _reason, reason, null) is null;

    public void ThrowIfSet()
    {
        if (Volatile.Read(ref _reason) is { } reason)
        {
            throw new CollectiveAbortedException(reason);
        }
    }
}
