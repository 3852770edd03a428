using System.Collections.Concurrent;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
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

    public void Fetched(IReadOnlyList<string> sequences, int blocks, KvDelivery delivery, KvMoveCounts counts) => Seen.Enqueue(
        $"fetched {delivery.Arrived.Count} of {blocks}, {delivery.Damaged} damaged, {delivery.Attempts} connections{(delivery.Why is null ? "" : $": {delivery.Why}")}");

    public void StepDone(int tokens, int sampled, TimeSpan took)
    {
    }
}
