using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Engine;

/// <summary>What other threads ask of a decode loop's thread.</summary>
internal abstract record EngineCommand
{
    public sealed record Add(LiveSequence Live) : EngineCommand;

    public sealed record Cancel(LiveSequence Live) : EngineCommand;

    public sealed record FeaturesCame(ImageHash Image, ImageFeatures Features) : EngineCommand;

    public sealed record FeaturesFailed(ImageHash Image, Exception Error) : EngineCommand;

    public sealed record Stop : EngineCommand;
}
