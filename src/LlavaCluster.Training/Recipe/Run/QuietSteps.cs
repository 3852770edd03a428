using System.Runtime;

namespace LlavaCluster.Training.Recipe.Run;

/// <summary>
/// Lets the garbage collector run between steps only. TorchSharp passes the handle of a <c>Scalar</c> to native code without keeping the
/// object alive: when a collection falls into that call, the finalizer frees the number that the operation is about to read. A step makes
/// thousands of such calls, drawing makes garbage all the time, and runs take hours. One thread.
/// </summary>
internal sealed class QuietSteps : IDisposable
{
    /// <summary>Garbage that may gather before a collection, bytes.</summary>
    private const long Room = 512L << 20;

    private long _began = long.MinValue;

    /// <summary>Called before each step: collects when half of the room is used up.</summary>
    public void BeforeStep()
    {
        var isQuiet = GCSettings.LatencyMode == GCLatencyMode.NoGCRegion;
        if (isQuiet && GC.GetTotalAllocatedBytes() - _began < Room / 2)
        {
            return;
        }

        Dispose();

        // Finalizers of what this collects may run beside the next step: nothing there still uses it.
        GC.TryStartNoGCRegion(Room);
        _began = GC.GetTotalAllocatedBytes();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
        {
            try
            {
                GC.EndNoGCRegion();
            }
            catch (InvalidOperationException)
            {
                // The room ran out after the look: the region has ended by itself, as wanted.
            }
        }
    }
}
