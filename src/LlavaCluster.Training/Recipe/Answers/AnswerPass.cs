using System.Runtime.InteropServices;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Vision;
using LlavaCluster.Training.Recipe.Network;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Answers;

/// <summary>
/// The serving modules over a batch of lessons: (1) the tower over all tiles, (2) the projector, (3) each picture's features in the order
/// of its tokens, (4) these in their places among the embeddings, (5) the decoder layers, (6) logits of what is told. One thread.
/// </summary>
internal sealed class AnswerPass(TinyNetwork network)
{
    /// <summary>Tiles go through the tower in batches of this size, the last one filled up: a new shape would be compiled first.</summary>
    private const int TilesAtOnce = 16;

    private readonly NoKvCache _store = new();

    /// <summary>Logits of everything that is told.</summary>
    /// <param name="batch">The lessons.</param>
    /// <param name="towerLearns">The tower has a gradient too.</param>
    /// <returns>[told, vocabulary], float32.</returns>
    public Tensor Logits(LessonBatch batch, bool towerLearns)
    {
        using var scope = NewDisposeScope();
        var x = network.Language.Embed(tensor(batch.Ids)); // [tokens, hidden]
        if (batch.Pictures.Length > 0)
        {
            x = x.index_copy(0, tensor(batch.ImageRows), Features(batch, towerLearns));
        }

        var hidden = network.Language.forward(x, Step(batch), _store); // [tokens, hidden]
        return network.Language.Logits(hidden.index_select(0, tensor(batch.Rows))).MoveToOuterDisposeScope();
    }

    /// <summary>The loss: cross-entropy of what is told, weighted.</summary>
    /// <param name="logits">[told, vocabulary], float32.</param>
    /// <param name="batch">The lessons.</param>
    /// <returns>A number with a gradient.</returns>
    public static Tensor Loss(Tensor logits, LessonBatch batch)
    {
        using var scope = NewDisposeScope();
        var each = nn.functional.cross_entropy(logits, tensor(batch.Targets), reduction: nn.Reduction.None); // [told]
        return each.dot(tensor(batch.Weights)).MoveToOuterDisposeScope();
    }

    /// <summary>[image tokens, hidden]: features of all lessons' pictures, in the order of their tokens.</summary>
    private Tensor Features(LessonBatch batch, bool towerLearns)
    {
        using var scope = NewDisposeScope();
        var projected = network.Projector.forward(See(batch.Tiles, towerLearns)); // [tiles, patches, hidden]
        var packed = new Tensor[batch.Tiles.Length];
        long tile = 0;
        for (var i = 0; i < packed.Length; i++)
        {
            var geometry = batch.Tiles[i].Geometry;
            packed[i] = FeaturePacker.Pack(projected.narrow(0, tile, geometry.Tiles), geometry, network.NewLine);
            tile += geometry.Tiles;
        }

        return cat([.. batch.Pictures.Select(picture => packed[picture])]).MoveToOuterDisposeScope();
    }

    /// <summary>[tiles, patches, channels]: all pictures' tiles through the tower, and what fills up behind them.</summary>
    private Tensor See(ImageTiles[] pictures, bool towerLearns)
    {
        using var scope = NewDisposeScope();
        using var quiet = towerLearns ? null : no_grad();
        var side = network.Config.Vision.ImageSide;
        var tiles = (pictures.Sum(picture => picture.Count) + TilesAtOnce - 1) / TilesAtOnce * TilesAtOnce;
        var pixels = zeros(tiles, 3, side, side, dtype: ScalarType.Float32);
        var left = MemoryMarshal.Cast<byte, float>(pixels.bytes);
        foreach (var picture in pictures)
        {
            for (var tile = 0; tile < picture.Count; tile++)
            {
                picture.Normalise(tile, left[..picture.TileLength]);
                left = left[picture.TileLength..];
            }
        }

        var parts = pixels.to(network.Device.Type).split(TilesAtOnce).Select(network.Tower.forward).ToArray();
        return cat(parts).MoveToOuterDisposeScope();
    }

    private StepInput Step(LessonBatch batch)
    {
        var spans = new SequenceSpan[batch.Lessons.Count];
        var none = empty(0, dtype: ScalarType.Int64);
        var offset = 0;
        for (var i = 0; i < spans.Length; i++)
        {
            var length = batch.Lessons[i].Length;
            var seen = empty(length, length, dtype: ScalarType.Bool);
            batch.Masks[i].CopyTo(seen.bytes);
            var mask = zeros(length, length, dtype: network.Device.Type).masked_fill_(seen.logical_not_(), float.NegativeInfinity);
            spans[i] = new SequenceSpan(offset, Start: 0, length, FirstKey: 0, none, mask, Causal: false);
            offset += length;
        }

        return StepInput.Uncached(tensor(batch.Positions), spans);
    }
}
