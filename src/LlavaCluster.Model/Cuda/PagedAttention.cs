using System.Runtime.InteropServices;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.KvCache;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Cuda;

/// <summary>
/// Attention of all sequences of a step that compute one token, by one kernel of ours straight from the KV pages: paged_attention.cu. A
/// sequence gets the same bits in any company. Engine thread only.
/// </summary>
internal sealed unsafe class PagedAttention : IDisposable
{
    /// <summary>Positions of a thread block: STRETCH of the source.</summary>
    public const int Stretch = 256;

    private const int Threads = 128, MostGroup = 8, LeastDim = 8, MostDim = 256;
    private const string Source = "paged_attention.cu";

    private readonly CudaDriver _driver;
    private readonly Device _device;
    private readonly nint _context;
    private readonly nint _module;
    private readonly nint _function;
    private readonly int _kvHeads;
    private readonly int _group;
    private readonly int _dim;
    private Tensor? _partial;
    private Tensor? _arrived;

    /// <summary>Compiles the kernel for a rank's heads: a second or so.</summary>
    /// <param name="plan">The rank's heads.</param>
    /// <param name="headDim">Numbers of a head.</param>
    /// <param name="device">Where pages are, and their type.</param>
    /// <param name="driver">CUDA's driver.</param>
    /// <param name="compiler">CUDA's compiler.</param>
    /// <exception cref="ArgumentException">The heads are not what the kernel takes; says what it takes.</exception>
    /// <exception cref="CudaException">It cannot be compiled or loaded.</exception>
    public PagedAttention(ShardPlan plan, int headDim, TensorDevice device, CudaDriver driver, Nvrtc compiler)
    {
        if (HeadGroups(plan) is not { } group || group > MostGroup || !int.IsPow2(headDim) || headDim is < LeastDim or > MostDim)
        {
            throw new ArgumentException(
                $"Kernels 'fast' on a GPU take heads of {LeastDim} to {MostDim} numbers, a power of two, and 1 to {MostGroup} query heads to each "
                + $"KV head; rank {plan.Rank} has {plan.Heads} query heads over {plan.KvHeads} KV heads of {headDim}. Take kernels 'torch'.",
                nameof(plan));
        }

        (_driver, _device, _kvHeads, _group, _dim) = (driver, device.Device, plan.KvHeads, group, headDim);
        var gpu = device.Device.type == DeviceType.CUDA ? device.Device.index : 0;
        _context = driver.Context(gpu);
        driver.Use(_context);
        var code = compiler.Compile(
            Text("numbers.cu") + Text(Source), Source,
            $"--gpu-architecture=sm_{driver.Capability(gpu)}", "--std=c++17",
            $"-DKERNEL_NUMBER={NumberOf(device.Type)}", $"-DKERNEL_DIM={headDim}", $"-DKERNEL_GROUP={group}");
        (_module, _function) = driver.Load(code, "attend");
    }

    /// <summary>Attends for the step's decodes.</summary>
    /// <param name="query">[tokens, heads, head_dim], contiguous.</param>
    /// <param name="keys">A layer's pages, [blocks, 16, kv_heads, head_dim], which hold this step's too.</param>
    /// <param name="values">As <paramref name="keys"/>.</param>
    /// <param name="step">The step; has at least one decode.</param>
    /// <param name="attended">[tokens, heads × head_dim], contiguous: the decodes' rows are filled.</param>
    public void Attend(Tensor query, Tensor keys, Tensor values, StepInput step, Tensor attended)
    {
        var decodes = step.Decodes;
        Reserve(decodes);
        var work = new Work
        {
            Query = TensorMemory.Of(query),
            Keys = TensorMemory.Of(keys),
            Values = TensorMemory.Of(values),
            Attended = TensorMemory.Of(attended),
            Numbers = TensorMemory.Of(step.Numbers),
            Partial = _partial is null ? null : TensorMemory.Of(_partial),
            Arrived = TensorMemory.Of(_arrived!),
            First = decodes.First,
            KvHeads = _kvHeads,
            Stretches = decodes.Stretches,
            Scale = (float)(Math.Log2(Math.E) / Math.Sqrt(_dim)),
        };
        _driver.Use(_context);
        _driver.Launch(_function, (_kvHeads, decodes.Count, decodes.Stretches), Threads, Stream(), &work);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _partial?.Dispose();
        _arrived?.Dispose();
        _driver.Use(_context);
        _driver.Unload(_module);
    }

    /// <summary>Query heads of every KV head, where all have as many.</summary>
    private static int? HeadGroups(ShardPlan plan)
    {
        var group = plan.Heads / plan.KvHeads;
        return plan.Heads % plan.KvHeads == 0 && plan.KvHeadOfQuery.Select((kv, query) => kv == query / group).All(same => same) ? group : null;
    }

    private static string Text(string name)
    {
        using var stream = typeof(PagedAttention).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static int NumberOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => 0,
        ScalarType.BFloat16 => 1,
        _ => 2,
    };

    private nint Stream() => _device.type == DeviceType.CUDA ? CudaStream.Current(_device.index) : 0;

    /// <summary>Room for what thread blocks leave for each other. What it replaces is given back when the device has done with it.</summary>
    private void Reserve(DecodeSet decodes)
    {
        using var outside = NewDisposeScope();
        var counters = (long)decodes.Count * _kvHeads;
        if (!(_arrived?.shape[0] >= counters))
        {
            _arrived?.Dispose();
            _arrived = zeros(2 * counters, dtype: ScalarType.Int32, device: _device).DetachFromDisposeScope();
        }

        var partials = decodes.Stretches == 1 ? 0 : counters * decodes.Stretches * _group * (_dim + 2);
        if (partials > 0 && !(_partial?.shape[0] >= partials))
        {
            _partial?.Dispose();
            _partial = empty(partials + (partials / 2), dtype: ScalarType.Float32, device: _device).DetachFromDisposeScope();
        }
    }

    /// <summary>The kernel's parameter: Work of the source.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Work
    {
        public byte* Query;
        public byte* Keys;
        public byte* Values;
        public byte* Attended;
        public byte* Numbers;
        public byte* Partial;
        public byte* Arrived;
        public long First;
        public int KvHeads;
        public int Stretches;
        public float Scale;
    }
}
