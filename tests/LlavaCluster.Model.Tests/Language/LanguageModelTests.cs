using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Language;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Language;

/// <summary>The language model on shapes that no golden checkpoint has.</summary>
public sealed class LanguageModelTests
{
    private static readonly TensorDevice Device = TestDevice.Of(ScalarType.Float32);

    private static readonly TextConfig Text = new()
    {
        ModelType = "mistral",
        Hidden = 24,
        Intermediate = 50,
        Layers = 3,
        Heads = 12,
        KvHeads = 3,
        HeadDim = 8,
        VocabularySize = 101,
        MaxPositions = 512,
        RmsEps = 1e-5,
        RopeTheta = 10000,
    };

    [Theory]
    [InlineData(null, 1)]
    [InlineData(null, 17)]
    [InlineData(null, 100)]
    [InlineData(20, 1)]
    [InlineData(20, 17)]
    [InlineData(20, 100)]
    [InlineData(1, 16)]
    [InlineData(64, 64)]
    public void Forward_PromptInChunks_EqualsWholePrompt(int? window, int chunk)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        var text = Text with { SlidingWindow = window };
        using var model = new LanguageModel(text, new RandomWeights(Device.Device), Device, new SingleRank());
        var x = model.Embed(arange(0, 100, device: Device.Device) % text.VocabularySize);
        var whole = model.forward(x, StepInput.Of([Slice(0, 100)], Device.Device, window), new NoKvCache());

        using var cache = new PagedKvCache(text, new ShardPlan(text, 0, 1), Device, 20);
        var parts = new List<Tensor>();
        for (var start = 0; start < 100; start += chunk)
        {
            var length = Math.Min(chunk, 100 - start);
            parts.Add(model.forward(x.narrow(0, start, length), StepInput.Of([Slice(start, length)], Device.Device, window), cache));
        }

        Assert.InRange((whole - cat(parts)).abs().max().item<float>(), 0, 1e-4);
    }

    [Fact]
    public void Forward_SlidingWindow_ForgetsWhatIsPastIt()
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        var text = Text with { SlidingWindow = 10, Layers = 1 };
        using var model = new LanguageModel(text, new RandomWeights(Device.Device), Device, new SingleRank());
        var ids = arange(0, 40, device: Device.Device);
        var changed = ids.clone();
        changed[29] = 77; // the first position outside the last token's window: 39 − 29 = 10
        var inside = ids.clone();
        inside[30] = 77;

        Assert.Equal(0f, Difference(changed));
        Assert.NotEqual(0f, Difference(inside));

        float Difference(Tensor other) => (Last(ids) - Last(other)).abs().max().item<float>();

        Tensor Last(Tensor of) => model.forward(model.Embed(of), StepInput.Of([Slice(0, 40)], Device.Device, 10), new NoKvCache())[39];
    }

    [Theory]
    [InlineData(2)] // 6 query heads over KV heads 0 0 0 0 1 1: unequal groups
    [InlineData(3)]
    [InlineData(4)] // each KV head on more than one rank
    [InlineData(6)]
    public void Logits_OnSeveralRanks_EqualOneRank(int ranks)
    {
        var alone = Compute(new SingleRank());
        var ends = InProcessCollective.Create(ranks);
        var results = new float[ranks][];
        var threads = ends.Select(end => new Thread(() => results[end.Rank] = Compute(end))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.All(results, result => Assert.Equal(results[0], result));
        Assert.All(alone.Zip(results[0]), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void Logits_TiedEmbeddings_UseTheEmbeddingOnce()
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var model = new LanguageModel(Text with { TieEmbeddings = true }, new RandomWeights(Device.Device), Device, new SingleRank());
        var x = randn(2, Text.Hidden, device: Device.Device);
        var embedding = model.Embed(arange(0, Text.VocabularySize, device: Device.Device));
        var normed = x * (x.square().mean([-1], keepdim: true) + Text.RmsEps).rsqrt() * new RandomWeights(Device.Device).Read("language_model.norm.weight", [24]);
        Assert.InRange((model.Logits(x) - normed.matmul(embedding.t())).abs().max().item<float>(), 0, 1e-5);
    }

    [Fact]
    public void Construct_HeadsThatDoNotDivide_AreRefusedByName()
    {
        var error = Assert.Throws<BadCheckpointException>(
            () => new LanguageModel(Text, new RandomWeights(Device.Device), Device, InProcessCollective.Create(5)[0]));
        Assert.Equal("num_attention_heads 12 does not divide by 5 ranks. Take a number of ranks that divides it.", error.Message);
    }

    [Fact]
    public void Forward_WithGradients_ReachesEveryParameter()
    {
        using var scope = NewDisposeScope();
        using var model = new LanguageModel(Text, new RandomWeights(Device.Device), Device, new SingleRank());
        foreach (var parameter in model.parameters())
        {
            Assert.False(parameter.requires_grad);
            parameter.requires_grad_(true);
        }

        var hidden = model.forward(model.Embed(arange(0, 30, device: Device.Device)), StepInput.Of([Slice(0, 30)], Device.Device, null), new NoKvCache());
        model.Logits(hidden).square().mean().backward();

        Assert.All(model.named_parameters(), p => Assert.True(p.parameter.grad is { } g && g.abs().sum().item<float>() > 0, p.name));
    }

    private static float[] Compute(ICollective collective)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using var model = new LanguageModel(Text, new RandomWeights(Device.Device), Device, collective);
        using var cache = new PagedKvCache(Text, new ShardPlan(Text, collective.Rank, collective.Ranks), Device, 20);
        var x = model.Embed(arange(0, 60, device: Device.Device));
        model.forward(x.narrow(0, 0, 33), StepInput.Of([Slice(0, 33)], Device.Device, null), cache);
        model.forward(x.narrow(0, 33, 26), StepInput.Of([Slice(33, 26)], Device.Device, null), cache);
        var last = model.forward(x.narrow(0, 59, 1), StepInput.Of([Slice(59, 1)], Device.Device, null), cache);
        return model.Logits(last).cpu().data<float>().ToArray();
    }

    private static SequenceSlice Slice(int start, int length)
        => new(1, start, new int[length], [], [7, 3, 19, 0, 11, 5, 2], null);
}
