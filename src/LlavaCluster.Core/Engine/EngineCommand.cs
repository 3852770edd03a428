using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Engine;

/// <summary>What other threads ask of a decode loop's thread.</summary>
internal abstract record EngineCommand
{
    /// <summary>Queue the sequences of a request.</summary>
    public sealed record Add(LiveRequest Request) : EngineCommand;

    /// <summary>Free the sequences of a request; they may have ended already.</summary>
    public sealed record Cancel(LiveRequest Request) : EngineCommand;

    /// <summary>An image's features are here.</summary>
    public sealed record FeaturesCame(ImageHash Image, ImageFeatures Features) : EngineCommand;

    /// <summary>An image's features could not be had.</summary>
    public sealed record FeaturesFailed(ImageHash Image, Exception Error) : EngineCommand;

    /// <summary>KV blocks were moved, or could not be.</summary>
    public sealed record Moved(TierMove Move, TierMoveResult Result) : EngineCommand;

    /// <summary>Forget the blocks of a conversation, and its images; tells how many blocks.</summary>
    public sealed record Forget(string Session, UInt128[] Keys, IReadOnlyList<ImageSpan> Images, TaskCompletionSource<int> Told) : EngineCommand;

    /// <summary>Tell when nothing is left to do.</summary>
    public sealed record Rest(TaskCompletionSource Told) : EngineCommand;

    /// <summary>Hold the blocks of these keys for another replica; tells which.</summary>
    public sealed record Lend(IReadOnlyList<UInt128> Keys, TaskCompletionSource<KvLoan?> Told) : EngineCommand;

    /// <summary>Blocks that were lent need not be held any more.</summary>
    public sealed record TakeBack(KvLoan Loan) : EngineCommand;

    /// <summary>Have all ranks begin a move.</summary>
    public sealed record BeginMove(Action Begin) : EngineCommand;

    /// <summary>KV blocks came from another replica, or could not.</summary>
    public sealed record Arrived(KvArrival Arrival, KvDelivery Delivery) : EngineCommand;

    /// <summary>It is time to look after what lies idle.</summary>
    public sealed record Wake : EngineCommand;

    /// <summary>End the loop.</summary>
    public sealed record Stop : EngineCommand;
}
