using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Weights;

/// <summary>
/// The weights of a checkpoint folder, read from its safetensors files tensor by tensor. Opening reads headers only; call
/// <see cref="Check"/> before the first read, so that a wrong checkpoint is refused before gigabytes are loaded. One thread.
/// </summary>
public sealed unsafe class CheckpointWeights : IWeightSource, IDisposable
{
    /// <summary>Bytes that are copied between two reports, and at most held in between when types or devices differ.</summary>
    private const long Portion = 64 << 20;

    private readonly WeightMap _map;
    private readonly Device _device;
    private readonly ScalarType _dtype;
    private readonly ILoadProgress? _progress;
    private readonly Dictionary<string, SafetensorsFile> _files = [];
    private readonly ReadAhead _ahead = new();
    private Tensor? _staging;
    private long _done;

    /// <summary>Opens the folder's files and reads their headers.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="config">Its numbers, from <see cref="LlavaConfigReader"/>.</param>
    /// <param name="device">Where tensors are wanted.</param>
    /// <param name="dtype">Compute type: Float32, BFloat16 or Float16, whatever the files have.</param>
    /// <param name="progress">Is told the bytes read; null: nobody.</param>
    /// <exception cref="BadCheckpointException">A file is missing or wrong.</exception>
    public CheckpointWeights(string folder, LlavaConfig config, Device device, ScalarType dtype, ILoadProgress? progress = null)
    {
        _map = new WeightMap(CheckpointFolder.Open(folder), config);
        (_device, _dtype, _progress) = (device, dtype, progress);
    }

    /// <summary>Compute type.</summary>
    public ScalarType Type => _dtype;

    /// <summary>Bytes of the files that the parts last checked take; 0 before a check.</summary>
    public long BytesToRead { get; private set; }

    /// <summary>Checks names, shapes and types of all tensors of the parts that will be read, counts their bytes and plans reading ahead.</summary>
    /// <param name="needed">The parts.</param>
    /// <param name="plan">The rank's plan, for count and reading ahead; null: one rank.</param>
    /// <exception cref="BadCheckpointException">The files do not fit the config; everything that is wrong is listed.</exception>
    public void Check(WeightRoles needed, ShardPlan? plan = null)
    {
        _map.Check(needed);
        var ranges = _map.Entries
            .Where(e => e.Used && needed.HasFlag(e.Role))
            .Select(e => (Stored: _map.Find(e.Name)!, Slice: plan?.SliceOf(e.Name)))
            .Select(e => (e.Stored.File, Runs: SliceRuns.Of(e.Stored.Tensor, e.Slice)))
            .ToArray();
        BytesToRead = ranges.Sum(r => r.Runs.Length);
        _ahead.Plan(ranges);
    }

    /// <inheritdoc/>
    public Tensor Read(string name, long[] shape, WeightSlice? slice = null)
    {
        var stored = _map.Find(name) ?? throw new BadCheckpointException($"{_map.Folder}: tensor {name} is missing.");
        var tensor = stored.Tensor;
        if (!tensor.Shape.SequenceEqual(shape))
        {
            throw new BadCheckpointException(
                $"{stored.File}: tensor {tensor.Name}: expected {SafetensorsTensor.Show(shape)}, file has {SafetensorsTensor.Show(tensor.Shape)}.");
        }

        var type = TypeOf(stored);
        var runs = SliceRuns.Of(tensor, slice);
        var size = (long[])shape.Clone();
        if (slice is { } part)
        {
            size[part.Dimension] = part.Length;
        }

        foreach (var (path, next) in _ahead.After(stored.File, runs))
        {
            FileOf(path).Advise(next);
        }

        var file = FileOf(stored.File);
        using var scope = NewDisposeScope();
        var result = HugePages.Empty(size, _dtype, _device);
        if (runs.Length > 0)
        {
            var flat = result.view(-1);
            if (type == _dtype && _device.type == DeviceType.CPU)
            {
                CopyBytes(file, runs, flat);
            }
            else
            {
                Convert(file, runs, flat, type, tensor.ElementSize);
            }
        }

        return result.MoveToOuterDisposeScope().DetachFromDisposeScope();
    }

    public void Dispose()
    {
        _staging?.Dispose();
        foreach (var file in _files.Values)
        {
            file.Dispose();
        }
    }

    private SafetensorsFile FileOf(string path)
    {
        if (!_files.TryGetValue(path, out var file))
        {
            _files.Add(path, file = new SafetensorsFile(path));
        }

        return file;
    }

    /// <summary>Same type, same memory: straight from the mapping to the tensor.</summary>
    private void CopyBytes(SafetensorsFile file, SliceRuns runs, Tensor flat)
    {
        var memory = HostMemory.Of(flat);
        for (long start = 0; start < runs.Length; start += Portion)
        {
            var length = Math.Min(Portion, runs.Length - start);
            file.Copy(runs, start, memory + start, length);
            Report(length);
        }
    }

    /// <summary>Portion by portion through a small tensor of the stored type; torch converts and moves.</summary>
    private void Convert(SafetensorsFile file, SliceRuns runs, Tensor flat, ScalarType type, int elementSize)
    {
        var staging = Staging(type, Portion / elementSize);
        for (long start = 0; start < runs.Length; start += Portion)
        {
            using var scope = NewDisposeScope();
            var length = Math.Min(Portion, runs.Length - start);
            file.Copy(runs, start, HostMemory.Of(staging), length);
            flat.narrow(0, start / elementSize, length / elementSize).copy_(staging.narrow(0, 0, length / elementSize));
            Report(length);
        }
    }

    /// <summary>The small tensor; pinned when it feeds a GPU, which then copies at the bus's speed.</summary>
    private Tensor Staging(ScalarType type, long elements)
    {
        if (_staging is null || _staging.dtype != type)
        {
            _staging?.Dispose();
            var staging = empty(elements, dtype: type);
            _staging = (_device.type == DeviceType.CUDA ? staging.pin_memory() : staging).DetachFromDisposeScope();
        }

        return _staging;
    }

    private void Report(long bytes)
    {
        _done += bytes;
        _progress?.Report(_done, Math.Max(_done, BytesToRead));
    }

    private static ScalarType TypeOf(StoredTensor stored) => stored.Tensor.Type switch
    {
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        "F32" => ScalarType.Float32,
        var type => throw new BadCheckpointException(
            $"{stored.File}: tensor {stored.Tensor.Name} is stored as {type}; LlavaCluster reads F16, BF16 and F32."),
    };
}
