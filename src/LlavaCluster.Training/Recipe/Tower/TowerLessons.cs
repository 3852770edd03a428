using System.Runtime.InteropServices;
using LlavaCluster.Training.Recipe.Network;
using LlavaCluster.Training.Recipe.Optimizing;
using LlavaCluster.Training.Recipe.Run;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Tower;

/// <summary>The tower learns what is in each cell of drawn tiles: the stand-in for CLIP, which real LLaVA takes as it is.</summary>
internal sealed class TowerLessons : ILessons
{
    private const int ScoredTiles = 384;
    private const int TilesAtOnce = 64;

    private readonly TinyNetwork _network;
    private readonly TileArtist _artist;
    private readonly BatchFeed<TileBatch> _feed;
    private readonly TowerLoss _loss = new();
    private readonly ulong _seed;
    private readonly PhasePlan _phase;

    /// <summary>Lessons of a phase from a step on.</summary>
    public TowerLessons(TinyNetwork network, TileArtist artist, PhasePlan phase, ulong seed, int firstStep)
    {
        (_network, _artist, _seed, _phase) = (network, artist, seed, phase);
        _feed = new BatchFeed<TileBatch>(
            step => artist.Draw(Seeds.At(seed, Seeds.Learned, phase.Key, (ulong)step), phase.Batch, phase.SheetShare), firstStep, phase.Steps);
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<WeightPart, double> Parts { get; } =
        new Dictionary<WeightPart, double> { [WeightPart.Tower] = 1, [WeightPart.Heads] = 1 };

    /// <inheritdoc/>
    public string Unit => "tiles";

    /// <inheritdoc/>
    public (double Loss, int Units) Backward()
    {
        var batch = _feed.Next();
        using var scope = NewDisposeScope();
        var loss = _loss.Of(Heads(batch), batch.Labels);
        loss.backward();
        return (loss.item<float>(), _phase.Batch);
    }

    /// <inheritdoc/>
    public SortedDictionary<string, double> Score()
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var batch = _artist.Draw(Seeds.At(_seed, Seeds.HeldOut), ScoredTiles, _phase.SheetShare);
        return TowerScore.Of(Heads(batch), batch.Labels);
    }

    /// <inheritdoc/>
    public void Dispose() => _loss.Dispose();

    private Tensor Heads(TileBatch batch)
    {
        var pixels = Pixels(batch.Pixels);
        var features = pixels.split(TilesAtOnce).Select(part => _network.Heads.Tell(_network.Tower.forward(part)));
        return cat([.. features]);
    }

    private Tensor Pixels(float[] pixels)
    {
        var side = _network.Config.Vision.ImageSide;
        var tiles = empty(pixels.Length / (3 * side * side), 3, side, side, dtype: ScalarType.Float32);
        MemoryMarshal.AsBytes<float>(pixels).CopyTo(tiles.bytes);
        return tiles.to(_network.Device.Type);
    }
}
