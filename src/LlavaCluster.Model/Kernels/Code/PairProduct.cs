namespace LlavaCluster.Model.Kernels.Code;

/// <summary>How code multiplies pairs of bfloat16. Both have the same bits, but for denormal numbers, which the instruction takes for 0.</summary>
internal enum PairProduct
{
    /// <summary>The processor's own instruction, vdpbf16ps; x is bfloat16.</summary>
    Instruction,

    /// <summary>Weights are widened in registers, two fused multiply-adds for a pair; x is float32, the second of a pair first.</summary>
    Widened,
}
