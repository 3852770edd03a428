using System.Runtime.InteropServices;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Cuda;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Language;
using LlavaCluster.Model.Layers;
using LlavaCluster.Model.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model;

/// <summary>
/// One rank's language model, projector and KV blocks. A step: (1) check the plan, (2) copy blocks, (3) embed ids, (4) put image features
/// in their places, (5) run the layers, (6) logits of the rows that sample, (7) sample, on rank 0. Reads the weights of
/// <see cref="WeightRoles.Language"/> and <see cref="WeightRoles.Projector"/>.
/// </summary>
public sealed partial class ModelRunner : IModelRunner
{
    /// <summary>Positions of a KV block.</summary>
    public const int BlockTokens = PagedKvCache.BlockTokens;

    private readonly LlavaConfig _config;
    private readonly TensorDevice _device;
    private readonly ICollective _collective;
    private readonly LanguageModel _model;
    private readonly ImageShelf _images;
    private readonly PagedKvCache _cache;
    private readonly FastLanguageModel? _fast;
    private readonly SampleRows? _sampling;

    /// <summary>Reads the rank's weights and reserves its KV blocks.</summary>
    /// <param name="config">The checkpoint's numbers.</param>
    /// <param name="weights">The checkpoint's weights; not needed afterwards.</param>
    /// <param name="device">Where to compute, and in which dtype.</param>
    /// <param name="collective">This rank's end of the replica; disposed with the runner.</param>
    /// <param name="options">How large.</param>
    /// <exception cref="BadCheckpointException">The model cannot be split over so many ranks, or weights are wrong.</exception>
    public ModelRunner(
        LlavaConfig config, IWeightSource weights, TensorDevice device, ICollective collective, ModelRunnerOptions options)
    {
        (_config, _device, _collective) = (config, device, collective);
        var kernels = options.Kernels ?? ModelRunnerOptions.DefaultKernels(device);
        CheckDevice(device, kernels, options);
        var codes = options.Weights == WeightForm.Full ? null : new CodeChoice(options.Weights, KeepsCodes(device, kernels), options.Codes);
        _model = new LanguageModel(
            config.Text, weights, device, collective, codes, kernels == KernelChoice.Fast && FastLanguageModel.TakesTiles(device));
        _images = new ImageShelf(config, weights, device);
        var plan = new ShardPlan(config.Text, collective.Rank, collective.Ranks);
        _cache = new PagedKvCache(config.Text, plan, device, options.KvBlocks, AttentionOf(plan, config.Text.HeadDim, device, kernels, options));
        if (kernels == KernelChoice.Fast && device.IsCpu)
        {
            _fast = new FastLanguageModel(_model, config.Text, device.Type, collective, _cache, KernelPaths.Best);
        }

        _sampling = _fast is null ? null : new SampleRows(_fast, config.ImageTokenId);
        OpenTiers(new TierRoom(options.KvHostBlocks, options.KvDiskBlocks), options.KvFolder);
        Capacity = new RunnerCapacity(
            options.KvBlocks, PagedKvCache.BlockTokens, config.Text.MaxPositions, config.Text.VocabularySize);
    }

    /// <inheritdoc/>
    public RunnerCapacity Capacity { get; }

    /// <summary>The network itself, for tests that look inside.</summary>
    internal LanguageModel Network => _model;

    /// <summary>The fast path, for tests that look inside; null without it.</summary>
    internal FastLanguageModel? Fast => _fast;

    /// <summary>The images, for tests that look inside.</summary>
    internal ImageShelf Images => _images;

    /// <summary>Bytes that one KV block of 16 positions takes on the rank that needs most.</summary>
    /// <param name="config">The checkpoint's numbers.</param>
    /// <param name="type">Compute dtype.</param>
    /// <param name="ranks">Ranks of the replica.</param>
    public static long KvBlockBytes(LlavaConfig config, ScalarType type, int ranks = 1) => Enumerable.Range(0, ranks)
        .Max(rank => PagedKvCache.BlockBytes(config.Text, new ShardPlan(config.Text, rank, ranks), new TensorDevice(CPU, type)));

    /// <summary>Whether the model can be split over so many ranks, said before anything is read.</summary>
    /// <param name="config">The checkpoint's numbers.</param>
    /// <param name="ranks">Ranks of the replica.</param>
    /// <param name="weights">How matrices are kept.</param>
    /// <exception cref="BadCheckpointException">Something does not divide; the message has the numbers.</exception>
    public static void CheckSplit(LlavaConfig config, int ranks, WeightForm weights)
    {
        for (var rank = 0; rank < ranks; rank++)
        {
            var plan = new ShardPlan(config.Text, rank, ranks);
            if (weights != WeightForm.Full)
            {
                new CodeChoice(weights, KeepCodes: true).Check(config, plan);
            }
        }
    }

    /// <summary>Bytes that a checkpoint's weights take in memory, all ranks and the vision tower together.</summary>
    /// <param name="config">The checkpoint's numbers.</param>
    /// <param name="device">Where, and in which dtype.</param>
    /// <param name="kernels">Who computes: only our own kernels keep codes. Null: the device's default.</param>
    /// <param name="weights">How matrices are kept.</param>
    public static long WeightBytes(LlavaConfig config, TensorDevice device, KernelChoice? kernels, WeightForm weights)
    {
        var kept = KeepsCodes(device, kernels ?? ModelRunnerOptions.DefaultKernels(device)) ? weights : WeightForm.Full;
        return TensorCatalog.Of(config).Where(entry => entry.Used).Sum(entry => BytesOf(entry, device.Type, kept));
    }

    /// <summary>Bytes of the language model's matrices: what a token reads.</summary>
    /// <param name="config">The checkpoint's numbers.</param>
    /// <param name="type">Compute dtype.</param>
    /// <param name="weights">How matrices are kept.</param>
    public static long MatrixBytes(LlavaConfig config, ScalarType type, WeightForm weights)
        => TensorCatalog.Of(config).Where(CodeChoice.Takes).Sum(entry => BytesOf(entry, type, weights));

    /// <inheritdoc/>
    public void LoadImage(ImageFeatures features)
    {
        using var mode = inference_mode();
        _images.Load(features);
    }

    /// <inheritdoc/>
    public void ForgetImage(ImageHash image) => _images.Forget(image);

    /// <inheritdoc/>
    public StepOutput Run(StepPlan plan)
    {
        if (plan.Slices.Count == 0)
        {
            return StepOutput.Empty;
        }

        try
        {
            PlanCheck.Check(plan, Capacity);
            if (_fast is not null && !_fast.NeedsTorch(plan))
            {
                // A step of answers only: nothing is made, so nothing has to be cleared away.
                return RunFast(plan.Slices);
            }

            using var mode = inference_mode();
            using var scope = NewDisposeScope();
            foreach (var (from, to) in plan.BlockCopies)
            {
                _cache.Copy(from, to);
            }

            if (_fast is not null)
            {
                return RunFast(plan.Slices);
            }

            var step = StepInput.Of(plan.Slices, _device.Device, _config.Text.SlidingWindow);
            var embedded = Embed(plan.Slices, step); // [tokens, hidden]
            var hidden = _model.forward(embedded, step, _cache); // [tokens, hidden]
            var output = Sample(plan.Slices, step, hidden);
            if (output.Tokens.Count > 0)
            {
                // On a GPU the sums are only enqueued: with a rank lost meanwhile, what was sampled means nothing.
                _collective.ThrowIfAborted();
            }

            return output;
        }
        catch (Exception exception) when (exception is not CollectiveAbortedException)
        {
            // The other ranks would wait for this one's part of a sum for ever.
            _collective.Abort($"rank {_collective.Rank} failed in step {plan.Step}: {exception.Message.Split('\n')[0]}");
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _collective.Dispose();
        CloseTiers();
        _fast?.Dispose();
        _model.Dispose();
        _images.Dispose();
        _cache.Dispose();
    }

    /// <summary>What the first layer gets: embeddings, image features in their places.</summary>
    /// <returns>[tokens, hidden], in the caller's dispose scope.</returns>
    internal Tensor Embed(IReadOnlyList<SequenceSlice> slices, StepInput step)
    {
        using var scope = NewDisposeScope();
        var embedded = _model.Embed(step.Ids);
        for (var i = 0; i < slices.Count; i++)
        {
            foreach (var image in slices[i].Images)
            {
                embedded.narrow(0, step.Spans[i].Offset + image.At, image.Count).copy_(_images.Rows(image));
            }
        }

        return embedded.MoveToOuterDisposeScope();
    }

    /// <summary>Our kernels on a CPU compute with codes; everybody else with what they say, written out.</summary>
    private static bool KeepsCodes(TensorDevice device, KernelChoice kernels) => device.IsCpu && kernels == KernelChoice.Fast;

    private static long BytesOf(CatalogEntry entry, ScalarType type, WeightForm weights)
        => weights != WeightForm.Full && CodeChoice.Takes(entry)
            ? new CodeChoice(weights, KeepCodes: true).BytesOf(entry)
            : entry.Shape.Aggregate(1L, (product, size) => product * size) * new TensorDevice(CPU, type).ElementSize;

    private static PagedAttention? AttentionOf(ShardPlan plan, int headDim, TensorDevice device, KernelChoice kernels, ModelRunnerOptions options)
        => options.MakeAttention is { } make ? make(plan, headDim)
            : kernels == KernelChoice.Fast && !device.IsCpu ? new PagedAttention(plan, headDim, device, CudaDriver.Open(), Nvrtc.Open())
            : null;

    /// <summary>Before anything is read: what addresses tensors as plain memory needs them in host memory.</summary>
    private static void CheckDevice(TensorDevice device, KernelChoice kernels, ModelRunnerOptions options)
    {
        if (device.IsCpu)
        {
            return;
        }

        if (kernels == KernelChoice.Fast && device.Device.type != DeviceType.CUDA)
        {
            throw new ArgumentException(
                $"Kernels 'fast' compute on a CPU or an NVIDIA GPU; for device {device.Device} take kernels 'torch'.", nameof(options));
        }

        if (options.KvHostBlocks > 0)
        {
            throw new ArgumentException($"KV blocks move to host memory from a CPU only, not from device {device.Device}.", nameof(options));
        }
    }

    private StepOutput RunFast(IReadOnlyList<SequenceSlice> slices)
    {
        ProcessorTurns.OfProcess.BeginStep();
        try
        {
            _fast!.Forward(slices, _images);
            var rows = _fast.Logits(slices);
            return rows == 0 || _collective.Rank != 0 ? StepOutput.Empty : _sampling!.Run(slices, rows);
        }
        finally
        {
            ProcessorTurns.OfProcess.EndStep();
        }
    }

    private StepOutput Sample(IReadOnlyList<SequenceSlice> slices, StepInput step, Tensor hidden)
    {
        var asked = Enumerable.Range(0, slices.Count).Where(i => slices[i].Sample is not null).ToArray();
        if (asked.Length == 0)
        {
            return StepOutput.Empty;
        }

        var rows = hidden.index_select(0, step.Sampled); // [sequences that sample, hidden]
        var logits = _model.Logits(rows); // [sequences that sample, vocabulary]
        if (_collective.Rank != 0)
        {
            return StepOutput.Empty;
        }

        var host = logits.cpu(); // the one wait of a step on a GPU: for what all layers were enqueued
        var vocabulary = _config.Text.VocabularySize;
        var tokens = new SampledToken[asked.Length];
        for (var i = 0; i < asked.Length; i++)
        {
            using var row = host[i];
            tokens[i] = TokenSampler.Sample(
                MemoryMarshal.Cast<byte, float>(row.bytes)[..vocabulary], slices[asked[i]].Sample!, _config.ImageTokenId);
        }

        return new StepOutput(tokens);
    }
}
