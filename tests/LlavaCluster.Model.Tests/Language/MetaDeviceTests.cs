using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Language;
using LlavaCluster.Model.Weights;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Language;

/// <summary>
/// The torch path on torch's device without memory. There a tensor that was made on the CPU by mistake fails the operator that it meets,
/// and so does everything that asks for a number: what on a GPU would make the host wait in the middle of a step. Torch's C++ lacks some
/// operators for this device, so embedding, torch's attention with its gathered pages, and layer norms are not covered.
/// </summary>
public sealed class MetaDeviceTests
{
    private static readonly TensorDevice Meta = new(META, ScalarType.BFloat16);

    private static readonly TextConfig Text = new()
    {
        ModelType = "mistral",
        Hidden = 64,
        Intermediate = 112,
        Layers = 2,
        Heads = 8,
        KvHeads = 2,
        HeadDim = 8,
        VocabularySize = 101,
        MaxPositions = 512,
        RmsEps = 1e-5,
        RopeTheta = 10000,
    };

    [Fact]
    public void Step_OfAnswers_StaysOnTheDevice()
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var model = new LanguageModel(Text, new Shapes(), Meta, new SingleRank());
        var step = StepInput.Of([Slice(40, 1, false), Slice(0, 1, true), Slice(44, 1, true), Slice(60, 1, true)], META, null);

        var hidden = model.forward(Rows(step.Ids, Text.Hidden), step, new MetaStore(Text));
        var logits = model.Logits(hidden.narrow(0, 0, step.Sampled.shape[0]));

        Assert.Equal(DeviceType.META, logits.device_type);
        Assert.Equal([3, Text.VocabularySize], logits.shape);
    }

    [Fact]
    public void Step_WithATensorOfTheCpu_Fails()
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var model = new LanguageModel(Text, new Shapes(), Meta, new SingleRank());
        var step = StepInput.Of([Slice(40, 1, true)], CPU, null);
        Assert.ThrowsAny<Exception>(() => model.forward(empty(1, 64, dtype: ScalarType.BFloat16, device: META), step, new MetaStore(Text)));
    }

    private static SequenceSlice Slice(int start, int length, bool sample) => new(
        1, start, new int[length], [], [7, 3, 19, 0, 11, 5, 2], sample ? new SampleRequest(SamplingOptions.Greedy, 0, 0, 0, default, default) : null);

    private static Tensor Rows(Tensor ids, long width) => empty(ids.shape[0], width, dtype: ScalarType.BFloat16, device: ids.device);

    /// <summary>Weights that have a shape and nothing else.</summary>
    private sealed class Shapes : IWeightSource
    {
        public Tensor Read(string name, long[] shape, WeightSlice? slice = null)
            => empty(shape, dtype: ScalarType.BFloat16, device: META).DetachFromDisposeScope();
    }

    /// <summary>The cache with attention of its own.</summary>
    private sealed class MetaStore(TextConfig text) : IKvStore
    {
        private readonly Tensor _pages = empty(20 * PagedKvCache.BlockTokens, text.KvHeads, text.HeadDim, dtype: ScalarType.BFloat16, device: META);

        public void Write(int layer, Tensor keys, Tensor values, StepInput step)
        {
            _pages.index_copy_(0, step.Slots, keys);
            _pages.index_copy_(0, step.Slots, values);
        }

        public (Tensor Keys, Tensor Values) Read(int layer, Tensor keys, Tensor values, SequenceSpan span)
            => throw new InvalidOperationException("Nothing is gathered: the store attends.");

        public Tensor? TryAttend(int layer, Tensor query, StepInput step) => query.flatten(1).mul(step.Positions.unsqueeze(1));
    }
}
