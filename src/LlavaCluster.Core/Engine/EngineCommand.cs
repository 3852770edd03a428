using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Engine;

/// <summary>What other threads ask of a decode loop's thread.</summary>
internal abstract record EngineCommand
{
    /// <summary>Queue a sequence.</summary>
    public sealed record Add(LiveSequence Live) : EngineCommand;

    /// <summary>Free a sequence; it may have ended already.</summary>
    public sealed record Cancel(LiveSequence Live) : EngineCommand;

    /// <summary>An image's features are here.</summary>
    public sealed record FeaturesCame(ImageHash Image, ImageFeatures Features) : EngineCommand;

    /// <summary>An image's features could not be had.</summary>
    public sealed record FeaturesFailed(ImageHash Image, Exception Error) : EngineCommand;

    /// <summary>End the loop.</summary>
    public sealed record Stop : EngineCommand;
}
