using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Silo.Hosting;

/// <summary>The progress of several parts that are read side by side, as one. Any thread.</summary>
internal sealed class LoadProgress(ILoadProgress whole)
{
    private readonly Lock _gate = new();
    private readonly List<Part> _parts = [];

    /// <summary>One more part. Ask for all before the first one reports, so that the total does not grow.</summary>
    /// <param name="total">Bytes that it will read.</param>
    public ILoadProgress AddPart(long total)
    {
        var part = new Part(this, total);
        _parts.Add(part);
        return part;
    }

    private void Tell()
    {
        whole.Report(_parts.Sum(p => p.Done), _parts.Sum(p => p.Total));
    }

    private sealed class Part(LoadProgress progress, long total) : ILoadProgress
    {
        public long Done { get; private set; }

        public long Total { get; private set; } = total;

        public void Report(long bytesDone, long bytesTotal)
        {
            lock (progress._gate)
            {
                (Done, Total) = (bytesDone, bytesTotal);
                progress.Tell();
            }
        }
    }
}
