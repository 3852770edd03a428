using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Tests.Links;

/// <summary>Plans with anything in them that their types can hold.</summary>
internal static class RandomPlan
{
    public static StepPlan Of(int seed)
    {
        var random = new Random(seed);
        return new StepPlan(Long(random), Long(random), Many(random, 5, Slice))
        {
            BlockCopies = Many(random, 4, r => new BlockCopy(Int(r), Int(r))),
        };
    }

    public static ImageHash Hash(Random random)
    {
        var bytes = new byte[32];
        random.NextBytes(bytes);
        return new ImageHash(Convert.ToHexString(bytes));
    }

    private static SequenceSlice Slice(Random random) => new(
        Long(random),
        Int(random),
        Many(random, 700, Int),
        Many(random, 3, r => new ImageSlice(Hash(r), Int(r), Int(r), Int(r), Int(r), Int(r))),
        Many(random, 60, r => r.Next(4_000)),
        random.Next(3) == 0 ? null : Sample(random));

    private static SampleRequest Sample(Random random) => new(
        Options(random), (ulong)Long(random), Int(random), Int(random), Many(random, 300, Int), Many(random, 40, Int));

    private static SamplingOptions Options(Random random) => random.Next(2) == 0 ? SamplingOptions.Greedy : new SamplingOptions
    {
        Temperature = Single(random),
        TopK = Int(random),
        TopP = Single(random),
        MinP = Single(random),
        RepetitionPenalty = Single(random),
        PresencePenalty = Single(random),
        FrequencyPenalty = Single(random),
        LogitBias = Many(random, 9, r => (Id: Int(r), Bias: Single(r))).DistinctBy(b => b.Id).ToDictionary(b => b.Id, b => b.Bias),
        Seed = random.Next(2) == 0 ? null : (ulong)Long(random),
        Stop = Many(random, 4, r => new string(Many(r, 20, x => (char)x.Next(65_536)))),
        LogProbs = random.Next(2) == 0 ? null : Int(random),
    };

    private static T[] Many<T>(Random random, int most, Func<Random, T> one) =>
        [.. Enumerable.Range(0, random.Next(most + 1)).Select(_ => one(random))];

    /// <summary>Small and large, of both signs.</summary>
    private static long Long(Random random) => random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);

    private static int Int(Random random) => random.Next(int.MinValue, int.MaxValue) >> random.Next(32);

    private static float Single(Random random) => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
}
