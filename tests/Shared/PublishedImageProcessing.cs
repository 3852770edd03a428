using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Tests;

/// <summary>The picture settings that the published checkpoints share.</summary>
internal static class PublishedImageProcessing
{
    /// <summary>LLaVA-NeXT: tiles of 336 pixels, patches of 14, five canvases.</summary>
    public static ImageProcessing LlavaNext(PinpointOrder order) => Of(ImageMode.AnyRes) with
    {
        Order = order,
        Pinpoints = [(336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008)],
    };

    /// <summary>LLaVA-1.5, as published or, with <see cref="ImageMode.PadToSquare"/>, as the original project runs it.</summary>
    public static ImageProcessing Llava15(ImageMode mode) => Of(mode);

    private static ImageProcessing Of(ImageMode mode) => new()
    {
        Mode = mode,
        TileSide = 336,
        PatchSide = 14,
        Pinpoints = [],
        Order = PinpointOrder.HeightWidth,
        Mean = [0.48145466f, 0.4578275f, 0.40821073f],
        Std = [0.26862954f, 0.26130258f, 0.27577711f],
    };
}
