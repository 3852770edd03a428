using System.Security.Cryptography;

namespace LlavaCluster.Core.Checkpoint;

/// <summary>
/// A name for what a checkpoint holds, the same on every machine that has the same files. It follows from the small files that decide
/// what is computed, and of each file of weights from its size, its header and samples of its bytes: enough to tell two trainings of one
/// model apart, without reading all of it.
/// </summary>
public static class CheckpointId
{
    private const int Samples = 16, SampleBytes = 4096, LongestHeader = 64 << 20;

    private static readonly string[] SmallFiles =
        ["config.json", "tokenizer.model", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"];

    /// <summary>16 hexadecimal digits.</summary>
    /// <param name="folder">A checkpoint folder.</param>
    /// <exception cref="BadCheckpointException">There are no weights, or a header is wrong.</exception>
    public static string Of(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in SmallFiles)
        {
            var path = Path.Combine(folder, name);
            if (File.Exists(path))
            {
                AddName(hash, name);
                hash.AppendData(File.ReadAllBytes(path));
            }
        }

        var files = CheckpointFolder.Open(folder).Tensors.Select(tensor => tensor.File).Distinct().Order(StringComparer.Ordinal);
        foreach (var path in files)
        {
            AddName(hash, Path.GetFileName(path));
            AddWeights(hash, path);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    private static void AddName(IncrementalHash hash, string name) => hash.AppendData(System.Text.Encoding.UTF8.GetBytes($"\n{name}\n"));

    private static void AddWeights(IncrementalHash hash, string path)
    {
        using var file = File.OpenHandle(path);
        var length = RandomAccess.GetLength(file);
        Span<byte> head = stackalloc byte[8];
        RandomAccess.Read(file, head, 0);
        hash.AppendData(BitConverter.GetBytes(length));
        var header = new byte[Math.Min(BitConverter.ToInt64(head), LongestHeader)];
        hash.AppendData(header.AsSpan(0, RandomAccess.Read(file, header, head.Length)));
        var sample = new byte[SampleBytes];
        for (var i = 0; i < Samples; i++)
        {
            var at = Math.Max(0, length - SampleBytes) * i / (Samples - 1);
            hash.AppendData(sample.AsSpan(0, RandomAccess.Read(file, sample, at)));
        }
    }
}
