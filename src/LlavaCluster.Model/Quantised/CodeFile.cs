using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Layers;
using LlavaCluster.Model.Weights;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Quantised;

/// <summary>
/// The file of <see cref="CodeCache"/>, in safetensors' form: two tensors for each matrix (<see cref="RowCodes"/>), what they were made
/// from (<c>identity</c>), and at the end a CRC-32C of every mebibyte of what lies before (<c>checks</c>). It is whole or not there.
/// </summary>
internal static unsafe class CodeFile
{
    /// <summary>Counts up when codes or their layout change.</summary>
    private const int Version = 1;

    private const string IdentityName = "identity", ChecksName = "checks";
    private const int Piece = 1 << 20;

    /// <summary>Name of a matrix's codes.</summary>
    public static string CodesOf(string name) => name + ".codes";

    /// <summary>Name of a matrix's scales.</summary>
    public static string ScalesOf(string name) => name + ".scales";

    /// <summary>
    /// What codes depend on: our version, form and dtype, and the checkpoint: by its id, which samples its bytes, and by its files' times.
    /// </summary>
    public static byte[] Identity(string folder, ScalarType type, WeightForm form)
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{Version} {form} {type}\n"));
        text.Append(CheckpointId.Of(folder));
        foreach (var file in CheckpointFolder.Open(folder).Tensors.Select(tensor => tensor.File).Distinct().Order(StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{Path.GetFileName(file)} {File.GetLastWriteTimeUtc(file).Ticks}");
        }

        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
    }

    /// <summary>Reads all of a file and checks it.</summary>
    /// <returns>Its tensors, or what is wrong.</returns>
    public static (IReadOnlyDictionary<string, SafetensorsTensor>? Tensors, string Complaint) Check(string file, ReadOnlySpan<byte> identity)
    {
        IReadOnlyDictionary<string, SafetensorsTensor> tensors;
        try
        {
            tensors = SafetensorsHeader.Read(file).Tensors;
        }
        catch (BadCheckpointException)
        {
            return (null, "the file is damaged.");
        }

        if (!tensors.TryGetValue(IdentityName, out var made) || !tensors.TryGetValue(ChecksName, out var checks)
            || !Bytes(file, made).AsSpan().SequenceEqual(identity))
        {
            return (null, "it was made from other weights, or by another version.");
        }

        var expected = MemoryMarshal.Cast<byte, uint>(Bytes(file, checks));
        return expected.SequenceEqual(ChecksOf(file, checks.Offset)) ? (tensors, "") : (null, "the file is damaged.");
    }

    /// <summary>Makes the codes of all matrices and writes them beside the checkpoint, under another name until they are complete.</summary>
    public static void Write(string file, ReadOnlySpan<byte> identity, LlavaConfig config, CheckpointWeights weights, CodeChoice choice)
    {
        var entries = TensorCatalog.Of(config).Where(CodeChoice.Takes).ToArray();
        var partial = $"{file}.{Guid.NewGuid():N}.partial";
        try
        {
            using (var stream = new FileStream(partial, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, 1 << 20))
            {
                var header = Header(entries, choice);
                stream.Write(header);
                stream.Write(identity);
                foreach (var entry in entries)
                {
                    using var tensor = weights.Read(entry.Name, entry.Shape);
                    using var host = tensor.cpu();
                    using var codes = RowCodes.Of(
                        choice.FormOf(entry.Name), NumberForms.Of(host.dtype), HostMemory.Of(host), (int)entry.Shape[0], (int)entry.Shape[1]);
                    Write(stream, codes.Codes, RowCodes.CodeBytes(codes.Form, codes.Rows, codes.Inputs));
                    Write(stream, codes.Scales, RowCodes.ScaleBytes(codes.Form, codes.Rows, codes.Inputs));
                }

                stream.Flush();
                stream.Write(MemoryMarshal.AsBytes(ChecksOf(partial, stream.Position).AsSpan()));
                stream.Flush(flushToDisk: true);
            }

            File.Move(partial, file, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    private static void Write(Stream stream, byte* memory, long bytes)
    {
        for (long done = 0; done < bytes; done += Piece)
        {
            stream.Write(new ReadOnlySpan<byte>(memory + done, (int)Math.Min(Piece, bytes - done)));
        }
    }

    /// <summary>A check for each mebibyte of the file's first bytes.</summary>
    private static uint[] ChecksOf(string file, long bytes)
    {
        using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var checks = new uint[(bytes + Piece - 1) / Piece];
        Parallel.For(0, checks.Length, () => new byte[Piece], (piece, _, buffer) =>
        {
            var part = buffer.AsSpan(0, (int)Math.Min(Piece, bytes - ((long)piece * Piece)));
            var read = RandomAccess.Read(handle, part, (long)piece * Piece);
            var words = MemoryMarshal.Cast<byte, ulong>(part[..read]);
            var crc = (uint)read;
            foreach (var word in words)
            {
                crc = BitOperations.Crc32C(crc, word);
            }

            foreach (var rest in part[(words.Length * sizeof(ulong))..read])
            {
                crc = BitOperations.Crc32C(crc, rest);
            }

            checks[piece] = crc;
            return buffer;
        }, _ => { });
        return checks;
    }

    private static byte[] Bytes(string file, SafetensorsTensor tensor)
    {
        using var handle = File.OpenHandle(file);
        var bytes = new byte[tensor.Length];
        RandomAccess.Read(handle, bytes, tensor.Offset);
        return bytes;
    }

    private static byte[] Header(IReadOnlyList<CatalogEntry> entries, CodeChoice choice)
    {
        // The checks cover the header too: how many there are depends on its length, and that, by a digit, on how many there are.
        var length = 0;
        while (true)
        {
            var header = HeaderFor(entries, choice, length);
            if (header.Length == length)
            {
                return header;
            }

            length = header.Length;
        }
    }

    private static byte[] HeaderFor(IReadOnlyList<CatalogEntry> entries, CodeChoice choice, int headerLength)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            long at = 0;
            json.WriteStartObject();
            Add(IdentityName, "U8", SHA256.HashSizeInBytes);
            foreach (var entry in entries)
            {
                var (form, rows, inputs) = (choice.FormOf(entry.Name), entry.Shape[0], (int)entry.Shape[1]);
                Add(CodesOf(entry.Name), "U8", rows, RowCodes.CodeRow(form, inputs));
                if (form == WeightForm.Int8)
                {
                    Add(ScalesOf(entry.Name), "F32", rows);
                }
                else
                {
                    Add(ScalesOf(entry.Name), "BF16", rows, RowCodes.Groups(inputs));
                }
            }

            Add(ChecksName, "U32", (headerLength + at + Piece - 1) / Piece);
            json.WriteEndObject();

            void Add(string name, string type, params long[] shape)
            {
                var bytes = shape.Aggregate((long)SafetensorsTensor.ElementSizes[type], (product, size) => product * size);
                json.WriteStartObject(name);
                json.WriteString("dtype", type);
                json.WriteStartArray("shape");
                Array.ForEach(shape, json.WriteNumberValue);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(at);
                json.WriteNumberValue(at += bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
        }

        // Padded with spaces, so that tensors begin at a multiple of 8.
        var padded = (int)((buffer.Length + 63) / 64 * 64);
        var header = new byte[sizeof(long) + padded];
        BinaryPrimitives.WriteInt64LittleEndian(header, padded);
        header.AsSpan(sizeof(long)).Fill((byte)' ');
        buffer.ToArray().CopyTo(header, sizeof(long));
        return header;
    }
}
