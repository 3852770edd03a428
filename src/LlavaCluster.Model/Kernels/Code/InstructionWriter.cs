namespace LlavaCluster.Model.Kernels.Code;

/// <summary>
/// Writes x86-64 machine code: the few instructions that our kernels need and C# has no intrinsic for, or that must not be torn from
/// them. Encodings from Intel's manual, volume 2: "EVEX" for 512-bit vectors, "REX" for the rest.
/// </summary>
internal sealed class InstructionWriter
{
    /// <summary>Among operations on words by a number of bits: which one.</summary>
    private const int ShiftLeft = 6;

    private readonly List<byte> _code = [];

    /// <summary>General registers by their numbers. But for rbx, a function may change them without saving them.</summary>
    public enum Register
    {
        Rax = 0,
        Rcx = 1,
        Rdx = 2,
        Rbx = 3,
        Rsi = 6,
        Rdi = 7,
        R8 = 8,
        R9 = 9,
        R10 = 10,
        R11 = 11,
    }

    /// <summary>What is compared before a jump.</summary>
    public enum Condition
    {
        Less = 0xc,
        NotLess = 0xd,
        Zero = 0x4,
        NotZero = 0x5,
    }

    /// <summary>Bytes so far: also the place that a jump back goes to.</summary>
    public int Length => _code.Count;

    /// <summary>What was written.</summary>
    public byte[] ToArray() => [.. _code];

    /// <summary>target = source.</summary>
    public void Move(Register target, Register source) => Wide(0x8b, target, source);

    /// <summary>target = the 64 bits at an address.</summary>
    public void Load(Register target, Address source) => WideMemory(0x8b, target, source);

    /// <summary>target = an address.</summary>
    public void LoadAddress(Register target, Address source) => WideMemory(0x8d, target, source);

    /// <summary>target += source.</summary>
    public void Add(Register target, Register source) => Wide(0x03, target, source);

    /// <summary>target += number.</summary>
    public void Add(Register target, int number)
    {
        Bytes(Rex(0, (int)target), 0x81, (byte)(0xc0 | ((int)target & 7)));
        Number(number);
    }

    /// <summary>Compares a register with a number, for the next jump.</summary>
    public void Compare(Register left, int number)
    {
        Bytes(Rex(0, (int)left), 0x81, (byte)(0xf8 | ((int)left & 7)));
        Number(number);
    }

    /// <summary>Jumps back to a place that was <see cref="Length"/> then.</summary>
    public void JumpBack(Condition condition, int place)
    {
        Bytes(0x0f, (byte)(0x80 | (int)condition));
        Number(place - (Length + 4));
    }

    /// <summary>Jumps forward to where <see cref="Land"/> is called with the result.</summary>
    public int JumpAhead(Condition condition)
    {
        Bytes(0x0f, (byte)(0x80 | (int)condition));
        Number(0);
        return Length;
    }

    /// <summary>Here a jump ahead ends.</summary>
    public void Land(int jump)
    {
        var bytes = BitConverter.GetBytes(Length - jump);
        for (var i = 0; i < bytes.Length; i++)
        {
            _code[jump - bytes.Length + i] = bytes[i];
        }
    }

    /// <summary>Fetches a line of memory into a cache.</summary>
    /// <param name="level">1 or 2.</param>
    /// <param name="address">In the line.</param>
    public void Prefetch(int level, Address address)
    {
        Bytes(RexOf(0, address, wide: false), 0x0f, 0x18);
        Operand(level, address, scale: 1);
    }

    /// <summary>Puts one of the first eight registers aside.</summary>
    public void Push(Register register) => Bytes((byte)(0x50 + (int)register));

    /// <summary>Takes what was put aside last.</summary>
    public void Pop(Register register) => Bytes((byte)(0x58 + (int)register));

    /// <summary>Ends the function; the upper halves of vectors are given up, or older code would be slow.</summary>
    public void Return() => Bytes(0xc5, 0xf8, 0x77, 0xc3);

    /// <summary>All 512 bits become 0.</summary>
    public void Clear(int vector) => Vector(0xef, Map.Plain, Prefix.Operand, vector, vector, vector);

    /// <summary>vector = 64 bytes of memory.</summary>
    public void LoadVector(int vector, Address source) => VectorMemory(0x10, Map.Plain, Prefix.None, vector, 0, source);

    /// <summary>64 bytes of memory = vector.</summary>
    public void StoreVector(Address target, int vector) => VectorMemory(0x11, Map.Plain, Prefix.None, vector, 0, target);

    /// <summary>All 16 words = the word at an address.</summary>
    public void Broadcast(int vector, Address word) => VectorMemory(0x58, Map.Wide, Prefix.Operand, vector, 0, word, element: 4);

    /// <summary>sums += pairs of bfloat16 · pairs of bfloat16, of each pair the second first (vdpbf16ps).</summary>
    public void MultiplyPairs(int sums, int left, int right) => Vector(0x52, Map.Wide, Prefix.Repeat, sums, left, right);

    /// <summary>The same, with one pair of memory for all words.</summary>
    public void MultiplyPairs(int sums, int left, Address pair)
        => VectorMemory(0x52, Map.Wide, Prefix.Repeat, sums, left, pair, element: 4, broadcast: true);

    /// <summary>sums += left · right of 16 float32, rounded once (vfmadd231ps).</summary>
    public void MultiplyAdd(int sums, int left, int right) => Vector(0xb8, Map.Wide, Prefix.Operand, sums, left, right);

    /// <summary>Each word: the upper 16 bits are 1, the lower 0.</summary>
    public void UpperHalves(int vector)
    {
        Vector(0x25, Map.Immediate, Prefix.Operand, vector, vector, vector); // all bits, by the table of three bits that follows
        Bytes(0xff);
        Vector(0x72, Map.Plain, Prefix.Operand, ShiftLeft, vector, vector);
        Bytes(16);
    }

    /// <summary>vector = 64 bytes of memory, of which the bits of the mask stay.</summary>
    public void LoadMasked(int vector, int mask, Address source) => VectorMemory(0xdb, Map.Plain, Prefix.Operand, vector, mask, source);

    /// <summary>vector = 16 words of memory, each shifted left.</summary>
    public void LoadShiftedLeft(int vector, Address source, byte bits)
    {
        VectorMemory(0x72, Map.Plain, Prefix.Operand, ShiftLeft, vector, source);
        Bytes(bits);
    }

    /// <summary>16 float32 of memory become bfloat16, rounded to nearest even, in the lower half of the vector (vcvtneps2bf16).</summary>
    public void LoadNarrowed(int vector, Address source) => VectorMemory(0x72, Map.Wide, Prefix.Repeat, vector, 0, source);

    /// <summary>32 bytes of memory = the lower half of the vector.</summary>
    public void StoreHalf(Address target, int vector) => VectorMemory(0x11, Map.Plain, Prefix.None, vector, 0, target, element: 32);

    /// <summary>Words of the lower halves of 128 bits in turn: a0 b0 a1 b1.</summary>
    public void UnpackLowWords(int target, int a, int b) => Vector(0x62, Map.Plain, Prefix.Operand, target, a, b);

    /// <summary>Words of the upper halves of 128 bits in turn: a2 b2 a3 b3.</summary>
    public void UnpackHighWords(int target, int a, int b) => Vector(0x6a, Map.Plain, Prefix.Operand, target, a, b);

    /// <summary>The lower halves of 128 bits: a0 a1 b0 b1.</summary>
    public void UnpackLowHalves(int target, int a, int b) => Vector(0x6c, Map.Plain, Prefix.Operand, target, a, b, wide: true);

    /// <summary>The upper halves of 128 bits: a2 a3 b2 b3.</summary>
    public void UnpackHighHalves(int target, int a, int b) => Vector(0x6d, Map.Plain, Prefix.Operand, target, a, b, wide: true);

    /// <summary>Quarters of 128 bits: two of a, then two of b, by two bits of the choice each.</summary>
    public void ShuffleQuarters(int target, int a, int b, byte choice)
    {
        Vector(0x43, Map.Immediate, Prefix.Operand, target, a, b);
        Bytes(choice);
    }

    private static byte Rex(int register, int memory) => (byte)(0x48 | ((register & 8) >> 1) | ((memory & 8) >> 3));

    private static byte RexOf(int register, Address address, bool wide) => (byte)(0x40 | (wide ? 8 : 0) | ((register & 8) >> 1)
        | (address.Index is { } index ? ((int)index & 8) >> 2 : 0) | (((int)address.Base & 8) >> 3));

    private void Wide(byte operation, Register target, Register source) => Bytes(
        Rex((int)target, (int)source), operation, (byte)(0xc0 | (((int)target & 7) << 3) | ((int)source & 7)));

    private void WideMemory(byte operation, Register target, Address address)
    {
        Bytes(RexOf((int)target, address, wide: true), operation);
        Operand((int)target, address, scale: 1);
    }

    private void Vector(byte operation, Map map, Prefix prefix, int target, int left, int right, bool wide = false)
    {
        Evex(map, prefix, target, left, (right & 8) != 0, (right & 16) != 0, wide, broadcast: false);
        Bytes(operation, (byte)(0xc0 | ((target & 7) << 3) | (right & 7)));
    }

    private void VectorMemory(
        byte operation, Map map, Prefix prefix, int target, int left, Address address, int element = 64, bool broadcast = false)
    {
        var index = address.Index is { } register && ((int)register & 8) != 0;
        Evex(map, prefix, target, left, ((int)address.Base & 8) != 0, index, wide: false, broadcast, half: element == 32);
        Bytes(operation);
        Operand(target, address, element);
    }

    /// <summary>The four bytes before a vector operation; registers' upper bits are in it inverted.</summary>
    private void Evex(Map map, Prefix prefix, int target, int left, bool baseBit, bool indexBit, bool wide, bool broadcast, bool half = false) => Bytes(
        0x62,
        (byte)((int)map | ((target & 8) == 0 ? 0x80 : 0) | (indexBit ? 0 : 0x40) | (baseBit ? 0 : 0x20) | ((target & 16) == 0 ? 0x10 : 0)),
        (byte)((wide ? 0x80 : 0) | ((~left & 15) << 3) | 4 | (int)prefix),
        (byte)((half ? 0x20 : 0x40) | (broadcast ? 0x10 : 0) | ((left & 16) == 0 ? 8 : 0)));

    /// <summary>ModR/M, index and displacement. A displacement of a byte counts elements of <paramref name="scale"/> bytes.</summary>
    private void Operand(int register, Address address, int scale)
    {
        var small = address.Offset % scale == 0 && address.Offset / scale is >= sbyte.MinValue and <= sbyte.MaxValue;
        var index = address.Index is { } i ? (int)i & 7 : 4; // 4: none
        Bytes(
            (byte)((small ? 0x40 : 0x80) | ((register & 7) << 3) | 4),
            (byte)((address.Log2 << 6) | (index << 3) | ((int)address.Base & 7)));
        if (small)
        {
            Bytes((byte)(sbyte)(address.Offset / scale));
        }
        else
        {
            Number(address.Offset);
        }
    }

    private void Number(int number) => Bytes(BitConverter.GetBytes(number));

    private void Bytes(params ReadOnlySpan<byte> bytes) => _code.AddRange(bytes);

    /// <summary>Tables of operations.</summary>
    private enum Map
    {
        Plain = 1,
        Wide = 2,
        Immediate = 3,
    }

    /// <summary>What distinguishes operations of one number.</summary>
    private enum Prefix
    {
        None = 0,
        Operand = 1,
        Repeat = 2,
    }

    /// <summary>Base + Index · 2^Log2 + Offset.</summary>
    /// <param name="Base">Where it begins.</param>
    /// <param name="Offset">Bytes behind it.</param>
    /// <param name="Index">Is added, times a power of 2; null: nothing.</param>
    /// <param name="Log2">The power, 0 to 3.</param>
    internal readonly record struct Address(Register Base, int Offset = 0, Register? Index = null, int Log2 = 0);
}
