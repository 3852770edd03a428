using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Layers;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Language;

/// <summary>What the layers of the fast path share: kernels, where the step's tokens stand, and buffers. Engine thread only.</summary>
internal sealed unsafe class FastWorkspace : IDisposable
{
    private readonly Dictionary<int, bool> _torchOrder = [];
    private readonly List<HostBuffer> _buffers = [];
    private readonly Tensor _angles;
    private readonly CodeKernels _codeKernels;
    private readonly PanelKernel _kernel;
    private readonly KernelPath _path;

    /// <summary>Chooses kernels and reserves room for steps of a few tokens.</summary>
    public FastWorkspace(TextConfig text, ShardPlan plan, ScalarType type, ICollective collective, RotaryEmbedding rotary, KernelPath path)
    {
        (Text, Collective, Type, Form) = (text, collective, type, NumberForms.Of(type));
        Pool = WorkerPool.Of(get_num_threads());
        (_path, _kernel) = (path, KernelPaths.Kernel(path));
        var inPanels = PageWriter.Suits(_kernel, Form, text.HeadDim);
        Shape = new AttentionShape(Form, text.HeadDim, plan.KvHeads, plan.KvHeadOfQuery, text.SlidingWindow, inPanels: inPanels);
        Product = new MatrixProduct(_kernel, Pool);
        _codeKernels = new CodeKernels(KernelPaths.Widening(path), Pool);
        Attention = new BlockAttention(_kernel, Pool, Shape);
        (Norm, Gate, Sum, Rotary) = (new NormRows(Pool), new GateRows(Pool), new SumRows(Pool), new RotaryRows(Pool, Shape));
        Inner = plan.Inner;
        _angles = Table(text, type, rotary);
        Angles = (float*)HostMemory.Of(_angles);
        Hidden = Buffer(text.Hidden);
        Normed = Buffer(text.Hidden);
        Fused = Buffer(Shape.Fused);
        Attended = Buffer((long)Shape.Heads * Shape.HeadDim);
        Projected = Buffer(text.Hidden);
        GateUp = Buffer(2L * plan.Inner);
        Gated = Buffer(plan.Inner);
    }

    public TextConfig Text { get; }

    public ICollective Collective { get; }

    public ScalarType Type { get; }

    public NumberForm Form { get; }

    /// <summary>Columns of the rank's MLP.</summary>
    public int Inner { get; }

    /// <summary>The threads of all kernels.</summary>
    public WorkerPool Pool { get; }

    /// <summary>Some layer's product with many rows is torch's.</summary>
    public bool ManyByTorch { get; private set; }

    public AttentionShape Shape { get; }

    public StepLayout Step { get; } = new();

    public MatrixProduct Product { get; }

    public BlockAttention Attention { get; }

    public NormRows Norm { get; }

    public GateRows Gate { get; }

    public SumRows Sum { get; }

    public RotaryRows Rotary { get; }

    /// <summary>[tokens, hidden]: what the layers add to.</summary>
    public HostBuffer Hidden { get; }

    /// <summary>[tokens, hidden]</summary>
    public HostBuffer Normed { get; }

    /// <summary>[tokens, (heads + 2 kv_heads) × head_dim]</summary>
    public HostBuffer Fused { get; }

    /// <summary>[tokens, heads × head_dim]</summary>
    public HostBuffer Attended { get; }

    /// <summary>[tokens, hidden]: what a layer's half adds.</summary>
    public HostBuffer Projected { get; }

    /// <summary>[tokens, 2 × inner]</summary>
    public HostBuffer GateUp { get; }

    /// <summary>[tokens, inner]</summary>
    public HostBuffer Gated { get; }

    /// <summary>[positions, head_dim]: cosines, then sines.</summary>
    public float* Angles { get; }

    /// <summary>A buffer that is trimmed and disposed with the others.</summary>
    public HostBuffer Buffer(long width)
    {
        var buffer = new HostBuffer(Type, width);
        _buffers.Add(buffer);
        return buffer;
    }

    /// <summary>A linear layer over a weight [outputs, inputs].</summary>
    public IHostLinear Linear(MatrixWeight weight)
    {
        if (weight.Tiled > 0 && !_kernel.TakesTiles(Form))
        {
            throw new ArgumentException($"The weight lies in tiles, which the kernels of path {_path} do not take; read it with inTiles: false.", nameof(weight));
        }

        var inputs = weight.Codes?.Inputs ?? (int)weight.Dense!.shape[1];
        if (!_torchOrder.TryGetValue(inputs, out var ours))
        {
            _torchOrder[inputs] = ours = Form == NumberForm.BFloat16 && TorchOrder.IsOurs(Product, inputs);
        }

        var own = _kernel.IsFasterThanTorch(Form);
        ManyByTorch |= ours && !own;
        return weight.Codes is { } codes
            ? new CodeLinear(codes, Form, _codeKernels, ours, own ? Product : null)
            : new HostLinear(weight.Dense!, Product, ours && !own, tiled: weight.Tiled);
    }

    /// <summary>Sums a row-parallel layer's result over the ranks.</summary>
    public void AllReduce(HostBuffer buffer, int rows)
    {
        if (Collective.Ranks > 1)
        {
            using var scope = NewDisposeScope();
            Collective.AllReduceSum(buffer.Rows(rows));
        }
    }

    /// <summary>Gives back what a large step took.</summary>
    public void Trim()
    {
        foreach (var buffer in _buffers)
        {
            buffer.Trim();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _angles.Dispose();
        foreach (var buffer in _buffers)
        {
            buffer.Dispose();
        }

        Product.Dispose();
        _codeKernels.Dispose();
        Attention.Dispose();
        Norm.Dispose();
        Gate.Dispose();
        Sum.Dispose();
        Rotary.Dispose();
    }

    /// <summary>The angles of all positions, by torch and rounded to the activations' type, as the reference path has them.</summary>
    private static Tensor Table(TextConfig text, ScalarType type, RotaryEmbedding rotary)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        var (cos, sin) = rotary.At(arange(0, text.MaxPositions), type); // [positions, 1, head_dim] each
        var half = text.HeadDim / 2;
        return cat([cos.narrow(-1, 0, half), sin.narrow(-1, 0, half)], -1)
            .to(ScalarType.Float32).contiguous().MoveToOuterDisposeScope().DetachFromDisposeScope();
    }
}
