using System.Runtime.InteropServices;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Links;

/// <summary>
/// <see cref="StepPlan"/> as bytes. Everything that a plan has is written here, and read in the same order below it; all ranks of a
/// replica run one <see cref="RankHello.Protocol"/>, so there are no versions of fields.
/// </summary>
internal static class StepPlanCodec
{
    /// <summary>Fewest bytes of a block copy, a slice, an image slice and a bias: what a count is checked against.</summary>
    private const int LeastCopy = 2;
    private const int LeastSlice = 6;
    private const int LeastImage = 37;
    private const int LeastBias = 5;

    /// <summary>Writes a plan.</summary>
    /// <param name="plan">Not kept.</param>
    /// <param name="to">Where to.</param>
    /// <param name="withSampledIds">
    /// With the ids before each token, thousands in a long conversation: they are for penalties alone, and only rank 0 samples.
    /// </param>
    public static void Write(StepPlan plan, WireWriter to, bool withSampledIds = true)
    {
        to.Int(plan.Epoch);
        to.Int(plan.Step);
        to.Int(plan.BlockCopies.Count);
        foreach (var (source, target) in plan.BlockCopies)
        {
            to.Int(source);
            to.Int(target);
        }

        to.Int(plan.Slices.Count);
        foreach (var slice in plan.Slices)
        {
            WriteSlice(slice, to, withSampledIds);
        }
    }

    public static StepPlan Read(ref WireReader from)
    {
        var (epoch, step) = (from.Int(), from.Int());
        var copies = new BlockCopy[from.Count(LeastCopy)];
        for (var i = 0; i < copies.Length; i++)
        {
            copies[i] = new BlockCopy(from.Int32(), from.Int32());
        }

        var slices = new SequenceSlice[from.Count(LeastSlice)];
        for (var i = 0; i < slices.Length; i++)
        {
            slices[i] = ReadSlice(ref from);
        }

        return new StepPlan(epoch, step, slices) { BlockCopies = copies };
    }

    public static void WriteHash(ImageHash image, WireWriter to)
    {
        Span<byte> bytes = stackalloc byte[32];
        Convert.FromHexString(image.Hex, bytes, out _, out _);
        foreach (var value in bytes)
        {
            to.Byte(value);
        }
    }

    public static ImageHash ReadHash(ref WireReader from)
    {
        Span<byte> bytes = stackalloc byte[32];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = from.Byte();
        }

        return new ImageHash(Convert.ToHexStringLower(bytes));
    }

    private static void WriteSlice(SequenceSlice slice, WireWriter to, bool withSampledIds)
    {
        to.Int(slice.Sequence);
        to.Int(slice.Start);
        to.Ints(slice.TokenIds.Span);
        to.Int(slice.Images.Count);
        foreach (var image in slice.Images)
        {
            WriteHash(image.Image, to);
            to.Int(image.Width);
            to.Int(image.Height);
            to.Int(image.FirstToken);
            to.Int(image.At);
            to.Int(image.Count);
        }

        WriteBlocks(slice.Blocks, to);

        to.Flag(slice.Sample is not null);
        if (slice.Sample is { } sample)
        {
            WriteSample(sample, to, withSampledIds);
        }
    }

    private static SequenceSlice ReadSlice(ref WireReader from)
    {
        var (sequence, start) = (from.Int(), from.Int32());
        var ids = from.Ints();
        var images = new ImageSlice[from.Count(LeastImage)];
        for (var i = 0; i < images.Length; i++)
        {
            var hash = ReadHash(ref from);
            images[i] = new ImageSlice(hash, from.Int32(), from.Int32(), from.Int32(), from.Int32(), from.Int32());
        }

        var blocks = from.Ints();
        return new SequenceSlice(sequence, start, ids, images, blocks, from.Flag() ? ReadSample(ref from) : null);
    }

    /// <summary>The longest part of most plans, in whichever list the scheduler keeps it.</summary>
    private static void WriteBlocks(IReadOnlyList<int> blocks, WireWriter to)
    {
        switch (blocks)
        {
            case int[] array:
                to.Ints(array);
                break;
            case List<int> list:
                to.Ints(CollectionsMarshal.AsSpan(list));
                break;
            default:
                to.Ints([.. blocks]);
                break;
        }
    }

    private static void WriteSample(SampleRequest sample, WireWriter to, bool withSampledIds)
    {
        WriteOptions(sample.Options, to);
        to.Unsigned(sample.Seed);
        to.Int(sample.Turn);
        to.Int(sample.Index);
        to.Ints(withSampledIds ? sample.PromptIds.Span : []);
        to.Ints(withSampledIds ? sample.GeneratedIds.Span : []);
    }

    private static SampleRequest ReadSample(ref WireReader from)
    {
        var options = ReadOptions(ref from);
        return new SampleRequest(options, from.Unsigned(), from.Int32(), from.Int32(), from.Ints(), from.Ints());
    }

    private static void WriteOptions(SamplingOptions options, WireWriter to)
    {
        to.Single(options.Temperature);
        to.Int(options.TopK);
        to.Single(options.TopP);
        to.Single(options.MinP);
        to.Single(options.RepetitionPenalty);
        to.Single(options.PresencePenalty);
        to.Single(options.FrequencyPenalty);
        to.Int(options.LogitBias.Count);
        foreach (var (id, bias) in options.LogitBias)
        {
            to.Int(id);
            to.Single(bias);
        }

        to.Flag(options.Seed is not null);
        to.Unsigned(options.Seed ?? 0);
        to.Int(options.Stop.Count);
        foreach (var text in options.Stop)
        {
            to.Text(text);
        }

        to.Flag(options.LogProbs is not null);
        to.Int(options.LogProbs ?? 0);
    }

    private static SamplingOptions ReadOptions(ref WireReader from)
    {
        var options = new SamplingOptions
        {
            Temperature = from.Single(),
            TopK = from.Int32(),
            TopP = from.Single(),
            MinP = from.Single(),
            RepetitionPenalty = from.Single(),
            PresencePenalty = from.Single(),
            FrequencyPenalty = from.Single(),
        };
        var count = from.Count(LeastBias);
        var biases = new Dictionary<int, float>(count);
        for (var i = 0; i < count; i++)
        {
            var id = from.Int32();
            biases[id] = from.Single();
        }

        var hasSeed = from.Flag();
        var seed = from.Unsigned();
        var stop = new string[from.Count(1)];
        for (var i = 0; i < stop.Length; i++)
        {
            stop[i] = from.Text();
        }

        var hasLogProbs = from.Flag();
        var logProbs = from.Int32();
        return options with
        {
            LogitBias = biases,
            Seed = hasSeed ? seed : null,
            Stop = stop,
            LogProbs = hasLogProbs ? logProbs : null,
        };
    }
}
