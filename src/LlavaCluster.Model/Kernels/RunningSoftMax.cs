using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Softmax of a row whose scores come in groups of 64: weights are taken against the largest score so far, and what the row has is brought
/// to the same measure when a larger one comes.
/// </summary>
internal static unsafe class RunningSoftMax
{
    /// <summary>Below every score, yet a number: differences to it are numbers too.</summary>
    public const float Lowest = -1e30f;

    /// <summary>Turns a group's scores into weights.</summary>
    /// <param name="scores">[64], read and written.</param>
    /// <param name="first">The first of them that the row sees; may lie before the group.</param>
    /// <param name="last">The last that it sees; may lie behind the group. Others are not looked at, and weigh exactly 0.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="largest">The largest score so far; <see cref="Lowest"/> in the beginning.</param>
    /// <param name="weight">Σ weight so far.</param>
    /// <param name="sums">[padded]: Σ weight · value so far.</param>
    /// <param name="padded">Numbers of the sums, a multiple of 16.</param>
    public static void Take(
        float* scores, int first, int last, float scale, ref float largest, ref float weight, float* sums, int padded)
    {
        var factor = Vector512.Create(scale);
        var (s0, s1) = (Vector512.Load(scores) * factor, Vector512.Load(scores + 16) * factor);
        var (s2, s3) = (Vector512.Load(scores + 32) * factor, Vector512.Load(scores + 48) * factor);
        var whole = first <= 0 && last >= TileMemory.GroupKeys - 1;
        var (from, to) = (Vector512.Create(first), Vector512.Create(last));
        if (!whole)
        {
            var lowest = Vector512.Create(Lowest);
            (s0, s1) = (Seen(0, from, to, s0, lowest), Seen(16, from, to, s1, lowest));
            (s2, s3) = (Seen(32, from, to, s2, lowest), Seen(48, from, to, s3, lowest));
        }

        var before = largest;
        var most = Largest(Vector512.MaxNative(Vector512.MaxNative(s0, s1), Vector512.MaxNative(s2, s3)), before);
        var top = Vector512.Create(most);
        (s0, s1) = (Exponential.OfNegative(s0 - top), Exponential.OfNegative(s1 - top));
        (s2, s3) = (Exponential.OfNegative(s2 - top), Exponential.OfNegative(s3 - top));
        if (!whole)
        {
            var none = Vector512<float>.Zero;
            (s0, s1) = (Seen(0, from, to, s0, none), Seen(16, from, to, s1, none));
            (s2, s3) = (Seen(32, from, to, s2, none), Seen(48, from, to, s3, none));
        }

        s0.Store(scores);
        s1.Store(scores + 16);
        s2.Store(scores + 32);
        s3.Store(scores + 48);
        var shrink = before == most ? 1 : Exponential.OfNegative(Vector512.Create(before - most))[0];
        largest = most;
        weight = (weight * shrink) + Vector512.Sum((s0 + s1) + (s2 + s3));
        for (var i = 0; i < padded && shrink != 1; i += 16)
        {
            (Vector512.Load(sums + i) * shrink).Store(sums + i);
        }
    }

    /// <summary>The numbers at keys that the row sees, <paramref name="otherwise"/> at the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Seen(int at, Vector512<int> first, Vector512<int> last, Vector512<float> numbers, Vector512<float> otherwise)
    {
        var key = Vector512<int>.Indices + Vector512.Create(at);
        var hidden = Vector512.GreaterThan(key, last) | Vector512.LessThan(key, first);
        return Vector512.ConditionalSelect(hidden.AsSingle(), otherwise, numbers);
    }

    /// <summary>The largest of all lanes and one more.</summary>
    private static float Largest(Vector512<float> numbers, float other)
    {
        var half = Vector256.MaxNative(numbers.GetLower(), numbers.GetUpper());
        var quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        quarter = Vector128.MaxNative(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
        quarter = Vector128.MaxNative(quarter, Vector128.Shuffle(quarter, Vector128.Create(1, 0, 3, 2)));
        return Vector128.MaxNative(quarter, Vector128.CreateScalar(other))[0];
    }
}
