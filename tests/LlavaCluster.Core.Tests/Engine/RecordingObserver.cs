using System.Collections.Concurrent;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Tests.Engine;

/// <summary>Keeps what it is told.</summary>
internal sealed class RecordingObserver : IEngineObserver
{
    public ConcurrentQueue<string> Seen { get; } = new();

    public void StepFailed(IReadOnlyList<string> sequences, Exception error) => Seen.Enqueue($"step of {sequences.Count}: {error.Message}");

    public void ImageFailed(string image, IReadOnlyList<string> sequences, Exception error) => Seen.Enqueue($"image: {error.Message}");

    public void SequenceAbandoned(string sequence, TimeSpan unread) => Seen.Enqueue($"abandoned after {unread.TotalSeconds:F0} s");

    public void LoopFailed(Exception error) => Seen.Enqueue($"loop: {error.Message}");

    public void MoveFailed(TierMove move, Exception error) => Seen.Enqueue($"{move.GetType().Name}: {error.Message}");

    public void StepDone(int tokens, int sampled, TimeSpan took)
    {
    }
}
