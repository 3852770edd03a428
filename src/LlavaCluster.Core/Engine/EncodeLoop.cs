using System.Collections.Concurrent;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// The engine of one encoder. Images are decoded and cut on a bounded number of pool threads; the tower runs on one thread of its own.
/// What several want is done once; what was done lately is kept. An image that fails, fails only for those who asked for it.
/// </summary>
public sealed class EncodeLoop : IImageEncodeEngine, IAsyncDisposable
{
    /// <summary>Images that are remembered to be good, without their tiles.</summary>
    private const int KnownGood = 10_000;

    private readonly Func<IVisionEncoder> _encoder;
    private readonly IImageDecoder _decoder;
    private readonly Func<PixelBuffer, ImageTiles> _preprocess;
    private readonly ImageLimits _limits;
    private readonly EncodeLoopOptions _options;
    private readonly SemaphoreSlim _decoders;
    private readonly SingleFlight<ImageHash, ImageTiles> _cutting = new();
    private readonly SingleFlight<ImageHash, ImageFeatures> _encoding = new();
    private readonly ByteBoundedCache<ImageHash, bool> _good = new(KnownGood);
    private readonly ByteBoundedCache<ImageHash, ImageTiles> _tiles;
    private readonly ByteBoundedCache<ImageHash, ImageFeatures> _features;
    private readonly BlockingCollection<Job> _jobs = [];
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Thread? _thread;
    private Job? _next;
    private int _outstanding;
    private long _encoded;

    /// <summary>Nothing runs before <see cref="StartAsync"/>.</summary>
    /// <param name="encoder">Makes the tower; called on the loop's thread, which also uses and disposes it.</param>
    /// <param name="decoder">Files to pixels.</param>
    /// <param name="preprocess">Pixels to tiles (<c>ImagePreprocessor.Process</c>); any thread.</param>
    /// <param name="limits">What an image may measure.</param>
    /// <param name="options">What to take on.</param>
    public EncodeLoop(
        Func<IVisionEncoder> encoder,
        IImageDecoder decoder,
        Func<PixelBuffer, ImageTiles> preprocess,
        ImageLimits limits,
        EncodeLoopOptions options)
    {
        (_encoder, _decoder, _preprocess, _limits, _options) = (encoder, decoder, preprocess, limits, options);
        _decoders = new SemaphoreSlim(options.Decoders);
        _tiles = new(options.TileBytes);
        _features = new(options.FeatureBytes);
    }

    /// <inheritdoc/>
    public int TilesOutstanding => Volatile.Read(ref _outstanding);

    /// <inheritdoc/>
    public long TilesEncoded => Interlocked.Read(ref _encoded);

    /// <summary>Starts the thread; completes when the tower is made, or fails with what its factory threw.</summary>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_thread is not null)
        {
            throw new InvalidOperationException("The encoder was started before.");
        }

        _thread = new Thread(Run) { IsBackground = true, Name = "encode loop" };
        _thread.Start();
        return _started.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Encodes what waits, then ends the thread.</summary>
    public Task StopAsync()
    {
        _jobs.CompleteAdding();
        if (_thread is null)
        {
            _ended.TrySetResult();
        }

        return _ended.Task;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => new(StopAsync());

    /// <inheritdoc/>
    public async Task CheckAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken)
    {
        if (!_good.TryGet(image, out _))
        {
            await CutAsync(image, file, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async Task<ImageFeatures> EncodeAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken)
    {
        if (_features.TryGet(image, out var kept))
        {
            return kept;
        }

        return await _encoding.RunAsync(image, token => EncodeOnceAsync(image, file, token), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Forget(ImageHash image)
    {
        _good.Remove(image);
        _tiles.Remove(image);
        _features.Remove(image);
    }

    private async Task<ImageFeatures> EncodeOnceAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken)
    {
        var tiles = await CutAsync(image, file, cancellationToken).ConfigureAwait(false);
        var job = new Job(image, tiles, cancellationToken);
        Interlocked.Add(ref _outstanding, tiles.Count);
        try
        {
            _jobs.Add(job, cancellationToken);
            var features = await job.Done.Task.ConfigureAwait(false);
            Interlocked.Add(ref _encoded, tiles.Count);
            _features.Set(image, features, features.Data.Length);
            _tiles.Remove(image);
            return features;
        }
        catch (InvalidOperationException) when (_jobs.IsAddingCompleted && !job.Done.Task.IsCompleted)
        {
            throw Stopping();
        }
        finally
        {
            Interlocked.Add(ref _outstanding, -tiles.Count);
        }
    }

    private async Task<ImageTiles> CutAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken)
    {
        if (_tiles.TryGet(image, out var kept))
        {
            return kept;
        }

        return await _cutting.RunAsync(image, token => CutOnceAsync(image, file, token), cancellationToken).ConfigureAwait(false);
    }

    private async Task<ImageTiles> CutOnceAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken)
    {
        await _decoders.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var tiles = _preprocess(_decoder.Decode(file.Span, _limits));
            _good.Set(image, true, 1);
            _tiles.Set(image, tiles, tiles.Bytes.Length);
            return tiles;
        }
        finally
        {
            _decoders.Release();
        }
    }

    private void Run()
    {
        try
        {
            using var encoder = _encoder();
            _started.TrySetResult();
            while (TakeFirst() is { } first)
            {
                Encode(encoder, TakeBatch(first));
            }
        }
        catch (Exception error)
        {
            _started.TrySetException(error);
        }
        finally
        {
            _jobs.CompleteAdding();
            while (TakeFirst() is { } job)
            {
                job.Done.TrySetException(Stopping());
            }

            _ended.TrySetResult();
        }
    }

    /// <summary>Waits for an image; null when no more will come.</summary>
    private Job? TakeFirst()
    {
        var job = _next ?? (_jobs.TryTake(out var first, Timeout.Infinite) ? first : null);
        _next = null;
        return job;
    }

    /// <summary>
    /// As many of the waiting images, in order, as go through the tower at once. The first that does not fit begins the next batch;
    /// those given up are left out.
    /// </summary>
    private List<Job> TakeBatch(Job first)
    {
        var batch = new List<Job>();
        var tiles = 0;
        for (var job = first; job is not null; job = tiles < _options.BatchTiles && _jobs.TryTake(out var next) ? next : null)
        {
            if (job.Token.IsCancellationRequested)
            {
                job.Done.TrySetCanceled(job.Token);
                continue;
            }

            if (batch.Count > 0 && tiles + job.Tiles.Count > _options.BatchTiles)
            {
                _next = job;
                break;
            }

            batch.Add(job);
            tiles += job.Tiles.Count;
        }

        return batch;
    }

    private static void Encode(IVisionEncoder encoder, List<Job> batch)
    {
        if (batch.Count == 0)
        {
            return;
        }

        try
        {
            var features = encoder.Encode([.. batch.Select(job => (job.Image, job.Tiles))]);
            for (var i = 0; i < batch.Count; i++)
            {
                batch[i].Done.TrySetResult(features[i]);
            }
        }
        catch (Exception) when (batch.Count > 1)
        {
            // One of them may have spoilt it for all.
            batch.ForEach(job => Encode(encoder, [job]));
        }
        catch (Exception error)
        {
            batch[0].Done.TrySetException(error);
        }
    }

    private static InvalidOperationException Stopping() => new("This encoder is stopping; another one must be asked.");

    private sealed record Job(ImageHash Image, ImageTiles Tiles, CancellationToken Token)
    {
        public TaskCompletionSource<ImageFeatures> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
