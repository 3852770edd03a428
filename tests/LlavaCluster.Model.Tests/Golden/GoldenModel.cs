using System.Collections.Concurrent;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Cuda;
using LlavaCluster.Model.Vision;
using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>A golden checkpoint on a device: its cases, and each picture's features, computed once for all tests that use them.</summary>
internal sealed class GoldenModel
{
    private static readonly ConcurrentDictionary<(string, string, ScalarType), Lazy<GoldenModel>> Shared = new();

    private readonly Dictionary<string, ImageFeatures> _features = [];
    private readonly object _gate = new();
    private readonly string _checkpoint;
    private VisionEncoder? _encoder;

    private GoldenModel(string checkpoint, TensorDevice device)
    {
        _checkpoint = checkpoint;
        Config = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", checkpoint));
        Device = device;
        Cases = GoldenCase.Of(checkpoint, Config.ImageTokenId);
    }

    public LlavaConfig Config { get; }

    public TensorDevice Device { get; }

    public IReadOnlyList<GoldenCase> Cases { get; }

    /// <summary>The one model of this checkpoint and type on the tests' device.</summary>
    public static GoldenModel Of(string checkpoint, ScalarType type = ScalarType.Float32) => On(TestDevice.Of(type), checkpoint);

    /// <summary>The one model of this checkpoint and type in host memory.</summary>
    public static GoldenModel OnCpu(string checkpoint, ScalarType type = ScalarType.Float32) => On(new TensorDevice(CPU, type), checkpoint);

    private static GoldenModel On(TensorDevice device, string checkpoint)
        => Shared.GetOrAdd((checkpoint, $"{device.Device}", device.Type), _ => new Lazy<GoldenModel>(() => new GoldenModel(checkpoint, device))).Value;

    public GoldenCase Case(string name) => Cases.Single(c => c.Name == name);

    /// <summary>A runner with room for one long sequence, or more.</summary>
    public ModelRunner Runner(
        ICollective? collective = null,
        int blocks = 256,
        KernelChoice kernels = KernelChoice.Torch,
        int hostBlocks = 0,
        int diskBlocks = 0,
        string? folder = null,
        WeightForm form = WeightForm.Full,
        Func<ShardPlan, int, PagedAttention>? attention = null)
    {
        using var weights = Weights();
        return new ModelRunner(Config, weights, Device, collective ?? new SingleRank(), new ModelRunnerOptions
        {
            KvBlocks = blocks,
            KvHostBlocks = hostBlocks,
            KvDiskBlocks = diskBlocks,
            KvFolder = folder,
            Kernels = kernels,
            Weights = form,
            MakeAttention = attention,
        });
    }

    public CheckpointWeights Weights() => new(GoldenFolder.Of("checkpoints", _checkpoint), Config, Device.Device, Device.Type);

    public ImageTiles Tiles(string file)
    {
        var bytes = File.ReadAllBytes(GoldenFolder.Of("pictures", file));
        return new ImagePreprocessor(Config.Images).Process(new ImageDecoder().Decode(bytes, new ImageLimits()));
    }

    public static ImageHash HashOf(string file) => ImageHash.Of(File.ReadAllBytes(GoldenFolder.Of("pictures", file)));

    public ImageFeatures Features(string file)
    {
        lock (_gate)
        {
            if (!_features.TryGetValue(file, out var features))
            {
                if (_encoder is null)
                {
                    using var weights = Weights();
                    _encoder = new VisionEncoder(Config, weights, Device);
                }

                _features[file] = features = _encoder.Encode([(HashOf(file), Tiles(file))])[0];
            }

            return features;
        }
    }
}
