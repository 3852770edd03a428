namespace LlavaCluster.Core.Checkpoint;

/// <summary>Is told how far reading or writing a checkpoint has come.</summary>
public interface ILoadProgress
{
    /// <summary>Called after every few megabytes, one call at a time but from any thread; numbers only grow. Must return quickly.</summary>
    /// <param name="bytesDone">Bytes of the checkpoint's files done so far.</param>
    /// <param name="bytesTotal">Bytes that there are to do; 0 when not known.</param>
    void Report(long bytesDone, long bytesTotal);
}
