using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Model.Vision;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// The engines of one process: an encode loop with the vision tower, a decode loop with rank 0 of the language model,
/// and the ranks that
/// follow it. Serving and <c>inspect</c> run through this same set.
/// </summary>
internal sealed class EngineSet : IAsyncDisposable
{
    private const long Epoch = 0;

    private readonly ModelParts _parts;
    private readonly List<ShardFollower> _followers = [];

    /// <summary>Nothing is read before <see cref="StartAsync"/>.</summary>
    /// <param name="parts">Makes towers and ranks.</param>
    /// <param name="model">The checkpoint.</param>
    /// <param name="settings">Ranks and limits.</param>
    /// <param name="roles">Encoder makes the encode loop, decoder the decode loop.</param>
    /// <param name="features">Where the decode loop gets features.</param>
    /// <param name="time">The clock.</param>
    /// <param name="observer">Is told what the decode loop does; null: nobody.</param>
    /// <param name="moves">Where the ranks get KV that other replicas computed; null: nowhere.</param>
    /// <param name="lent">What the ranks lend to others, where there are several.</param>
    public EngineSet(
        ModelParts parts,
        ServedModel model,
        NodeSettings settings,
        SiloRoles roles,
        Func<EngineSet, IFeatureSource> features,
        TimeProvider time,
        IEngineObserver? observer = null,
        IKvSource? moves = null,
        LentParts? lent = null)
    {
        _parts = parts;
        if (roles.HasFlag(SiloRoles.Encoder))
        {
            Encoder = new EncodeLoop(
                parts.MakeTower,
                new ImageDecoder(),
                new ImagePreprocessor(model.Config.Images).Process,
                settings.Images,
                new EncodeLoopOptions { FeatureBytes = (long)settings.Engine.FeatureCacheMib << 20 });
        }

        if (roles.HasFlag(SiloRoles.Decoder))
        {
            var followers = settings.Model.TensorParallel - 1;
            IShardLink link = followers == 0 ? new SingleRankLink() : new InProcessShardLink(followers);
            for (var rank = 1; rank <= followers; rank++)
            {
                var number = rank;
                _followers.Add(new ShardFollower(number, Epoch, () => parts.MakeRunner(number), link, moves, lent));
            }

            Decoder = MakeLoop(() => parts.MakeRunner(0), link, features(this), model, settings, Epoch, time, observer, moves, lent);
        }
    }

    /// <summary>Images to features; null where the process has no encoder.</summary>
    public EncodeLoop? Encoder { get; }

    /// <summary>Sequences to tokens; null where the process has no decoder.</summary>
    public DecodeLoop? Decoder { get; }

    /// <summary>False while the decode loop is not able to serve.</summary>
    public bool IsHealthy => Decoder is null or { IsHealthy: true };

    /// <summary>The engine of a replica, over this runner of rank 0 and this link to its followers.</summary>
    public static DecodeLoop MakeLoop(
        Func<IModelRunner> runner,
        IShardLink link,
        IFeatureSource features,
        ServedModel model,
        NodeSettings settings,
        long epoch,
        TimeProvider time,
        IEngineObserver? observer,
        IKvSource? moves = null,
        LentParts? lent = null) => new(
        runner,
        link,
        features,
        sequence => new StopRule(model.Config.EosIds, sequence.Sampling.Stop, model.Tokenizer.CreateStreamDecoder()),
        time,
        new DecodeLoopOptions
        {
            Epoch = epoch,
            MaxRunning = settings.Engine.MaxSequences,
            MaxWaiting = settings.Engine.QueueLength,
            StepTokens = settings.Engine.StepTokens,
            Tiers = settings.Tiers.Times,
        },
        observer,
        moves,
        lent);

    /// <summary>Loads the weights and starts all threads.</summary>
    /// <param name="progress">Is told the bytes read.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="BadCheckpointException">The checkpoint cannot be served.</exception>
    public async Task StartAsync(ILoadProgress progress, CancellationToken cancellationToken)
    {
        _parts.ReportTo(progress);
        var starts = _followers.Select(follower => follower.StartAsync(cancellationToken)).ToList();
        if (Decoder is not null)
        {
            starts.Add(Decoder.StartAsync(cancellationToken));
        }

        if (Encoder is not null)
        {
            starts.Add(Encoder.StartAsync(cancellationToken));
        }

        // Side by side: the ranks may have to meet while they are made, and all totals are known from the start.
        await Task.WhenAll(starts);
    }

    /// <summary>Ends what runs, then the threads.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Decoder is not null)
        {
            await Decoder.DisposeAsync();
        }

        foreach (var follower in _followers)
        {
            await follower.DisposeAsync();
        }

        if (Encoder is not null)
        {
            await Encoder.DisposeAsync();
        }
    }
}
