using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Cuda;
using LlavaCluster.Model.Quantised;

namespace LlavaCluster.Model;

/// <summary>What a runner is given beside its weights.</summary>
public sealed record ModelRunnerOptions
{
    /// <summary>KV blocks, at least 1; the same on all ranks. <see cref="ModelRunner.KvBlockBytes"/> tells what one costs.</summary>
    public required int KvBlocks { get; init; }

    /// <summary>Blocks that are kept in host memory beside those; 0: none. On a CPU only.</summary>
    public int KvHostBlocks { get; init; }

    /// <summary>Blocks that may be on the disk, when there are any in host memory; 0: none.</summary>
    public int KvDiskBlocks { get; init; }

    /// <summary>Folder for the files of those; made when it is not there, and left empty.</summary>
    public string? KvFolder { get; init; }

    /// <summary>Who computes the language model, all ranks the same; null: <see cref="KernelChoice.Fast"/> on a CPU, torch on a GPU.</summary>
    public KernelChoice? Kernels { get; init; }

    /// <summary>
    /// How the language model's matrices are kept; all ranks the same. Torch computes with what the codes say, written out: no smaller and
    /// no faster, a reference.
    /// </summary>
    public WeightForm Weights { get; init; } = WeightForm.Full;

    /// <summary>Codes that were made before, of the same checkpoint and form; null: they are made while loading.</summary>
    public CodeCache? Codes { get; init; }

    /// <summary>Makes the attention of answers, in place of what <see cref="Kernels"/> says; for tests.</summary>
    internal Func<ShardPlan, int, PagedAttention>? MakeAttention { get; init; }

    /// <summary>Who computes on a device where nobody has chosen.</summary>
    public static KernelChoice DefaultKernels(TensorDevice device) => device.IsCpu ? KernelChoice.Fast : KernelChoice.Torch;
}

/// <summary>Who computes the language model.</summary>
public enum KernelChoice
{
    /// <summary>Torch's operators: the reference, on every device.</summary>
    Torch,

    /// <summary>
    /// Our own kernels: on a CPU for everything, on a GPU for the attention of answers, the rest by torch. The latter is not chosen by
    /// default before it was measured.
    /// </summary>
    Fast,
}
