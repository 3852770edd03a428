using System.Text.Json;
using System.Text.Json.Serialization;
using FsCheck;
using FsCheck.Fluent;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Scheduling;
using Xunit;

namespace LlavaCluster.Core.Tests.Links;

public sealed class StepPlanCodecTests
{
    private static readonly JsonSerializerOptions Shown = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    [Fact]
    public void Read_AnyPlanThatWasWritten_GivesItBack() => Prop.ForAll<int>(seed =>
    {
        var plan = RandomPlan.Of(seed);
        var bytes = Write(plan);
        var reader = new WireReader(bytes);
        var read = StepPlanCodec.Read(ref reader);
        reader.End();
        Assert.Equal(JsonSerializer.Serialize(plan, Shown), JsonSerializer.Serialize(read, Shown));
        Assert.Equal(bytes, Write(read));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Read_BytesOfAnybody_TakesThemOrSaysThatTheyAreDamaged() => Prop.ForAll<int, byte[]>((seed, noise) =>
    {
        Try(noise);
        var random = new Random(seed);
        var bytes = Write(RandomPlan.Of(seed));
        Try(bytes.AsSpan(0, random.Next(bytes.Length)));
        for (var i = 0; i < 20; i++)
        {
            bytes[random.Next(Math.Min(bytes.Length, 200))] = (byte)random.Next(256);
            Try(bytes);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Read_CountThatTheBytesCannotHold_AllocatesNothingForIt()
    {
        var writer = new WireWriter();
        writer.Int(1);
        writer.Int(2);
        writer.Int(0);
        writer.Int(int.MaxValue);
        var error = Assert.Throws<InvalidDataException>(() => Read(writer.Written.ToArray()));
        Assert.Equal("A message between ranks is damaged: 2147483647 entries cannot be in the 0 bytes left.", error.Message);
    }

    [Fact]
    public void Frame_OfEveryMessage_IsReadBack()
    {
        var features = FakeFeatures(3);
        ShardMessage[] messages =
        [
            new ShardMessage.Run(new StepPlan(1, 2, [])),
            new ShardMessage.LoadImage(features),
            new ShardMessage.ForgetImage(features.Image),
            new ShardMessage.Stop(),
        ];
        foreach (var message in messages)
        {
            var read = ReadFrame(message);
            Assert.Equal(JsonSerializer.Serialize<object>(message, Shown), JsonSerializer.Serialize<object>(read!, Shown));
        }
    }

    [Fact]
    public void Frame_OfAPlan_LeavesTheIdsThatOnlyRankZeroNeedsBehind()
    {
        var sample = new SampleRequest(new() { TopK = 3 }, 5, 6, 7, new[] { 1, 2 }, new[] { 3 });
        var plan = new StepPlan(1, 2, [new SequenceSlice(4, 0, new[] { 9 }, [], [0], sample)]);
        var read = Assert.IsType<ShardMessage.Run>(ReadFrame(new ShardMessage.Run(plan))).Plan.Slices[0].Sample!;
        Assert.Equal((3, 5UL, 6, 7, 0, 0), (read.Options.TopK, read.Seed, read.Turn, read.Index, read.PromptIds.Length, read.GeneratedIds.Length));
    }

    [Fact]
    public void Frame_FeaturesOfAnotherSizeThanTheySay_AreDamaged()
    {
        var writer = new WireWriter();
        ShardFrame.Write(new ShardMessage.LoadImage(FakeFeatures(3) with { Tiles = 2 }), writer);
        var body = writer.Written[ShardFrame.HeadBytes..].ToArray();
        var error = Assert.Throws<InvalidDataException>(() => ShardFrame.Read(ShardFrameKind.LoadImage, body));
        Assert.Equal("A message between ranks is damaged: features [2, 1, 3] of Float16 have 6 bytes.", error.Message);
    }

    [Fact]
    public void FrameReader_LengthBeyondTheLimit_IsRefusedBeforeAnyMemoryIsTaken()
    {
        var reader = new ShardFrameReader(new MemoryStream([0, 0, 0, 0x7f, 1, 2, 3]), 1_000);
        var error = Assert.Throws<InvalidDataException>(() => reader.Read(out _));
        Assert.Equal("A message between ranks is damaged: a frame has 2130706432 bytes, at most 1000 are taken.", error.Message);
    }

    [Fact]
    public void FrameReader_LongFrameThatNeverComes_TakesMemoryOnlyForWhatComes()
    {
        var reader = new ShardFrameReader(new MemoryStream([0, 0, 0, 0x40, 1, .. new byte[100]]), int.MaxValue);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<EndOfStreamException>(() => reader.Read(out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    private static ImageFeatures FakeFeatures(int channels) => new(
        RandomPlan.Hash(new Random(1)), 30, 20, 1, 1, channels, FeatureType.Float16, new byte[2 * channels]);

    private static ShardMessage? ReadFrame(ShardMessage message)
    {
        var writer = new WireWriter();
        ShardFrame.Write(message, writer);
        var kind = new ShardFrameReader(new MemoryStream(writer.Written.ToArray()), 1_000_000).Read(out var body);
        return ShardFrame.Read(kind, body);
    }

    private static byte[] Write(StepPlan plan)
    {
        var writer = new WireWriter();
        StepPlanCodec.Write(plan, writer);
        return writer.Written.ToArray();
    }

    private static StepPlan Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        return StepPlanCodec.Read(ref reader);
    }

    private static void Try(ReadOnlySpan<byte> bytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            Read(bytes);
        }
        catch (InvalidDataException)
        {
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 40_000 + (40L * bytes.Length));
    }
}
