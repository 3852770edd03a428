namespace LlavaCluster.Tests;

/// <summary>Golden image files, damaged the same way in every run.</summary>
internal static class MutatedFiles
{
    /// <summary>One file of every form.</summary>
    public static List<byte[]> Originals() =>
    [
        .. Directory.GetFiles(GoldenFolder.Of("file-forms")).Where(path => !path.EndsWith(".expected.png", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(File.ReadAllBytes),
        .. new[] { "form-palette.png", "form-greyalpha.png", "form-bilevel.png" }.Select(name => File.ReadAllBytes(GoldenFolder.Of("pictures", name))),
    ];

    /// <summary>One to four of: bytes changed, a run removed, repeated or zeroed, the end cut off. Half of them near the start.</summary>
    public static byte[] Mutate(byte[] original, Random random, int headerBytes)
    {
        var file = original.ToList();
        for (var change = random.Next(1, 5); change > 0 && file.Count > 4; change--)
        {
            var reach = random.Next(2) == 0 ? Math.Min(headerBytes, file.Count) : file.Count;
            var at = random.Next(reach);
            var run = Math.Min(random.Next(1, 9), file.Count - at);
            switch (random.Next(8))
            {
                case 0:
                    file.RemoveRange(at, run);
                    break;
                case 1:
                    file.InsertRange(at, file.GetRange(at, run));
                    break;
                case 2:
                    file.RemoveRange(at, file.Count - at);
                    break;
                case 3:
                    file[at] = (byte)(random.Next(2) * 255);
                    break;
                case 4:
                    for (var i = 0; i < run; i++)
                    {
                        file[at + i] = 0xFF;
                    }

                    break;
                case 5:
                    file[at] ^= (byte)(1 << random.Next(8));
                    break;
                default:
                    file[at] = (byte)random.Next(256);
                    break;
            }
        }

        return [.. file];
    }
}
