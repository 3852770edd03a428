using System.Buffers.Binary;
using System.Text;
using LlavaCluster.Core.Checkpoint;
using Xunit;

namespace LlavaCluster.Core.Tests.Checkpoint;

public sealed class SafetensorsHeaderTests
{
    private const string Name = "w.safetensors";

    [Fact]
    public void Read_WholeFile_KnowsWhereTensorsLie()
    {
        var file = CheckpointBuilder.Safetensors(
            """{"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  """, 16);
        var header = SafetensorsHeader.Read(Name, new MemoryStream(file));

        Assert.Equal(["a", "b"], header.Tensors.Keys.Order());
        var b = header.Tensors["b"];
        Assert.Equal(("F16", file.Length - 12L, 12L), (b.Type, b.Offset, b.Length));
        Assert.Equal([2L, 3L], b.Shape);
        Assert.Empty(header.Tensors["a"].Shape);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"F16","shape":[2],"data_offsets":[2,6]}}""", 6,
        "tensor 'b' begins at byte 2 of the data, but tensor 'a' ends at 4: they overlap.")]
    [InlineData("""{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"F16","shape":[1],"data_offsets":[6,8]}}""", 8,
        "tensor 'b' begins at byte 6 of the data, but tensor 'a' ends at 4: the bytes between belong to no tensor.")]
    [InlineData("""{"a":{"dtype":"F16","shape":[2],"data_offsets":[2,6]}}""", 6,
        "tensor 'a' begins at byte 2 of the data, but the header ends at 0: the bytes between belong to no tensor.")]
    [InlineData("""{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}""", 6, "has 6 bytes of data, but its tensors end at 4.")]
    [InlineData("""{"a":{"dtype":"F16","shape":[2000],"data_offsets":[0,4000]}}""", 3999,
        "tensor 'a' ends at byte 4,000 of the data, but the file has only 3,999. It is truncated: fetch it again.")]
    [InlineData("""{"a":{"dtype":"F16","shape":[3],"data_offsets":[0,4]}}""", 4,
        "tensor 'a' of shape [3] and dtype F16 takes 6 bytes, but its range [0, 4) has 4.")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,0]}}""", 0,
        "tensor 'a' of shape [4611686018427387904, 4611686018427387904] and dtype F32 takes more bytes than a file can have, but its range [0, 0) has 0.")]
    [InlineData("""{"a":{"dtype":"F16","shape":[2],"data_offsets":[4,0]}}""", 4, "tensor 'a' has the impossible byte range [4, 0).")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,4]}}""", 4,
        "tensor 'a' has the unknown dtype \"Q4\". Known are BOOL, U8, I8, F8_E5M2, F8_E4M3, I16, U16, F16, BF16, I32, U32, F32, I64, U64, F64.")]
    [InlineData("""{"a":{"dtype":"F16","shape":[-2],"data_offsets":[0,4]}}""", 4,
        "tensor 'a' needs dtype, shape and data_offsets of two whole numbers, 0 or more; the header has {\"dtype\":\"F16\",\"shape\":[-2],\"data_offsets\":[0,4]}.")]
    [InlineData("""{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}""", 4, "lists tensor 'a' twice.")]
    [InlineData("""[1]""", 0, "has a header that is no JSON object.")]
    public void Read_WrongHeader_NamesTensorAndNumbers(string header, long dataLength, string message)
    {
        Assert.Equal($"{Name}: {message}", Refusal(CheckpointBuilder.Safetensors(header, dataLength)));
    }

    [Fact]
    public void Read_HeaderThatIsNotJson_IsRefused()
    {
        Assert.StartsWith($"{Name}: has a header that is not JSON: ", Refusal(CheckpointBuilder.Safetensors("{\"a\":", 0)));
    }

    [Fact]
    public void Read_HeaderLongerThanTheFile_IsTruncated()
    {
        var file = new byte[20];
        file[0] = 200;
        Assert.Equal($"{Name}: claims a header of 200 bytes, but has only 12 after the first 8. It is truncated: fetch it again.", Refusal(file));
    }

    [Fact]
    public void Read_ImpossibleHeaderLength_IsNoSafetensorsFile()
    {
        var file = new byte[20];
        BinaryPrimitives.WriteUInt64LittleEndian(file, ulong.MaxValue);
        Assert.Equal(
            $"{Name}: claims a header of 18,446,744,073,709,551,615 bytes; safetensors files have at most 100,000,000. It is not a safetensors file.",
            Refusal(file));
    }

    [Fact]
    public void Read_EmptyFile_IsTruncated()
    {
        Assert.Equal($"{Name}: has 0 bytes; a safetensors file begins with 8 bytes of header length. It is truncated: fetch it again.", Refusal([]));
    }

    /// <summary>Whatever the bytes: a refusal, or tensors that lie in the file and fill it.</summary>
    [Fact]
    public void Read_MutatedHeaders_AreRefusedOrRight()
    {
        var random = new Random(20240130);
        var whole = CheckpointBuilder.Safetensors(
            Enumerable.Range(0, 4).Select(i => ($"layer.{i}", i % 2 == 0 ? "F16" : "F32", new long[] { i + 1, 3 })));
        var accepted = 0;
        const int rounds = 30_000;
        for (var round = 0; round < rounds; round++)
        {
            var file = Mutate(whole, random);
            try
            {
                var tensors = SafetensorsHeader.Read(Name, new MemoryStream(file)).Tensors.Values;
                var start = 8 + BinaryPrimitives.ReadInt64LittleEndian(file);
                foreach (var tensor in tensors.OrderBy(t => t.Offset).ThenBy(t => t.Length))
                {
                    Assert.Equal(start, tensor.Offset);
                    Assert.Equal(tensor.Length, tensor.Shape.Aggregate((long)tensor.ElementSize, (product, size) => product * size));
                    start += tensor.Length;
                }

                Assert.Equal(file.Length, start);
                accepted++;
            }
            catch (BadCheckpointException)
            {
                // The other right outcome; any other exception fails the test.
            }
        }

        Assert.InRange(accepted, 1, rounds - 1);
    }

    private static byte[] Mutate(byte[] whole, Random random)
    {
        var file = whole.ToList();
        for (var n = random.Next(1, 4); n > 0 && file.Count > 0; n--)
        {
            var at = random.Next(file.Count);
            switch (random.Next(5))
            {
                case 0:
                    file[at] = (byte)random.Next(256);
                    break;
                case 1:
                    file[at] = Encoding.ASCII.GetBytes("0123456789,:[]{}\"\\eE-")[random.Next(21)];
                    break;
                case 2:
                    file.RemoveAt(at);
                    break;
                case 3:
                    file.InsertRange(at, Encoding.ASCII.GetBytes(random.Next(2) == 0 ? "9" : "\\ud800"));
                    break;
                default:
                    file.RemoveRange(at, random.Next(file.Count - at));
                    break;
            }
        }

        return [.. file];
    }

    private static string Refusal(byte[] file) =>
        Assert.Throws<BadCheckpointException>(() => SafetensorsHeader.Read(Name, new MemoryStream(file))).Message;
}
