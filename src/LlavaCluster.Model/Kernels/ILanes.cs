namespace LlavaCluster.Model.Kernels;

/// <summary>
/// As many numbers as one instruction takes. A lane never sees another lane's numbers, so a result does not depend on how many there
/// are.
/// </summary>
/// <typeparam name="TVector">The register.</typeparam>
internal unsafe interface ILanes<TVector>
    where TVector : struct
{
    /// <summary>Lanes: 1, 8 or 16; divides 16.</summary>
    static abstract int Count { get; }

    /// <summary>Reads <see cref="Count"/> numbers, from any address.</summary>
    static abstract TVector Load(float* source);

    /// <summary>Writes <see cref="Count"/> numbers, to any address.</summary>
    static abstract void Store(TVector value, float* target);

    /// <summary>The same number in all lanes.</summary>
    static abstract TVector Broadcast(float value);

    /// <summary>a·b + c, rounded once.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>
    /// Turns <see cref="Count"/> rows of as many 32-bit words into columns: word w of row r becomes lane r of line w. A word of two
    /// 16-bit numbers becomes two lines, the second number's first.
    /// </summary>
    /// <param name="rows">First word of the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="form">What the words are.</param>
    /// <param name="panel">[words or 2 × words, <see cref="Count"/>]</param>
    static abstract void Transpose(byte* rows, long stride, NumberForm form, float* panel);
}
