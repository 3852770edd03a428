using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Quantised;
using LlavaCluster.Model.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>
/// One rank's weights as parameters: each tensor's slice by the plan, and several tensors of one input fused into one matrix. Fusing
/// copies part by part, so that no more than one part is held twice.
/// </summary>
/// <param name="source">Where they come from.</param>
/// <param name="device">Where they go.</param>
/// <param name="plan">The rank's part of the language model; null: whole tensors (vision tower, projector).</param>
/// <param name="codes">How matrices become codes; null: they do not.</param>
/// <param name="inTiles">Matrices that do not become codes are put into <see cref="TileOrder"/>.</param>
internal sealed class WeightParts(
    IWeightSource source, TensorDevice device, ShardPlan? plan, CodeChoice? codes = null, bool inTiles = false)
{
    private readonly List<CodeMatrix> _codes = [];

    /// <summary>The rank's part, or null where every tensor is whole.</summary>
    public ShardPlan? Plan => plan;

    /// <summary>How matrices are kept.</summary>
    public WeightForm Form => codes?.Form ?? WeightForm.Full;

    /// <summary>All that <see cref="Matrix"/> made in codes; whoever owns the layers disposes them.</summary>
    public IReadOnlyList<CodeMatrix> Codes => _codes;

    /// <summary>One tensor, or the rank's slice of it.</summary>
    /// <param name="name">Our name.</param>
    /// <param name="shape">Shape of the whole tensor.</param>
    public Parameter Read(string name, params long[] shape)
        => Own(source.Read(name, shape, SliceOf(name)));

    /// <summary>Tensors of equal inputs, one below the other: [Σ out, in], or [Σ out] for biases.</summary>
    /// <param name="parts">Our names and the shapes of the whole tensors.</param>
    public Parameter Fuse(params (string Name, long[] Shape)[] parts)
    {
        using var scope = NewDisposeScope();
        var rows = parts.Select(part => SliceOf(part.Name)?.Length ?? part.Shape[0]).ToArray();
        long[] shape = [rows.Sum(), .. parts[0].Shape[1..]];
        var fused = HugePages.Empty(shape, device.Type, device.Device);
        long at = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            using var part = source.Read(parts[i].Name, parts[i].Shape, SliceOf(parts[i].Name));
            fused.narrow(0, at, rows[i]).copy_(part);
            at += rows[i];
        }

        return Own(fused);
    }

    /// <summary>The weight of a linear layer, or of several of equal inputs as one: in codes where they are asked for.</summary>
    /// <param name="parts">Our names and the shapes of the whole tensors.</param>
    public MatrixWeight Matrix(params (string Name, long[] Shape)[] parts)
    {
        if (codes is null)
        {
            var dense = parts.Length == 1 ? Read(parts[0].Name, parts[0].Shape) : Fuse(parts);
            return new MatrixWeight(dense, null, inTiles ? Turn(dense) : 0);
        }

        var made = codes.Make(source, [.. parts.Select(part => (part.Name, part.Shape, SliceOf(part.Name)))]);
        if (codes.KeepCodes)
        {
            _codes.Add(made);
            return new MatrixWeight(null, made);
        }

        using (made)
        {
            using var written = MatrixWeight.WrittenOut(made);
            return new MatrixWeight(Own(written.to(device.Type, device.Device, copy: true)), null);
        }
    }

    /// <summary>A parameter that takes the tensor's handle over, and that no dispose scope owns.</summary>
    private static Parameter Own(Tensor tensor)
    {
        var parameter = new Parameter(tensor, requires_grad: false);
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    private static unsafe int Turn(Tensor matrix)
        => TileOrder.Turn(HostMemory.Of(matrix), (int)matrix.shape[0], (int)matrix.shape[1], WorkerPool.Of(get_num_threads()));

    private WeightSlice? SliceOf(string name)
        => plan?.SliceOf(name) is { } slice ? new WeightSlice(slice.Dimension, slice.Start, slice.Length) : null;
}
