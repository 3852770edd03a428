using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Model.Tests.Weights;

/// <summary>Keeps what it was told.</summary>
internal sealed class RecordedProgress : ILoadProgress
{
    public List<(long Done, long Total)> Reports { get; } = [];

    public void Report(long bytesDone, long bytesTotal) => Reports.Add((bytesDone, bytesTotal));
}
