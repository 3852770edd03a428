// Compiled by MSBuild (see WeakSymbolVersion.targets), not by the project.
using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Sets VER_FLG_WEAK on one needed symbol version of a 64-bit little-endian ELF file.
/// Layout: System V gABI, and the GNU symbol versioning of the LSB ("Verneed", "Vernaux").
/// </summary>
public class WeakSymbolVersion : Task
{
    private const uint ShtGnuVerneed = 0x6ffffffe;
    private const ushort WeakFlag = 2;

    [Required]
    public string File { get; set; }

    [Required]
    public string Version { get; set; }

    public override bool Execute()
    {
        try
        {
            var bytes = System.IO.File.ReadAllBytes(File);
            if (Weaken(bytes))
            {
                // A new file instead of a write into the old one: an output may be a link into the package folder.
                var time = System.IO.File.GetLastWriteTimeUtc(File);
                var next = File + ".weak";
                System.IO.File.WriteAllBytes(next, bytes);
                System.IO.File.SetLastWriteTimeUtc(next, time); // the copy step goes by time and size
                System.IO.File.Delete(File);
                System.IO.File.Move(next, File);
                Log.LogMessage(MessageImportance.Normal, "{0}: needed version {1} is now weak.", File, Version);
            }

            return true;
        }
        catch (Exception e) when (e is IOException || e is InvalidDataException || e is UnauthorizedAccessException)
        {
            Log.LogError("{0}: cannot mark symbol version {1} weak: {2}", File, Version, e.Message);
            return false;
        }
    }

    private bool Weaken(byte[] elf)
    {
        if (elf.Length < 64 || elf[0] != 0x7f || elf[1] != 'E' || elf[2] != 'L' || elf[3] != 'F' || elf[4] != 2 || elf[5] != 1)
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        var sections = checked((int)BitConverter.ToInt64(elf, 40));
        int sectionSize = BitConverter.ToUInt16(elf, 58), count = BitConverter.ToUInt16(elf, 60);
        for (var i = 0; i < count; i++)
        {
            var header = sections + i * sectionSize;
            if (BitConverter.ToUInt32(elf, header + 4) == ShtGnuVerneed)
            {
                var strings = sections + (int)BitConverter.ToUInt32(elf, header + 40) * sectionSize;
                return Weaken(elf, Offset(elf, header), (int)BitConverter.ToUInt32(elf, header + 44), Offset(elf, strings));
            }
        }

        return false;
    }

    /// <summary>Walks needed libraries and their versions; true when a flag was changed.</summary>
    private bool Weaken(byte[] elf, int need, int libraries, int strings)
    {
        for (; libraries > 0; libraries--)
        {
            var version = need + (int)BitConverter.ToUInt32(elf, need + 8);
            for (int versions = BitConverter.ToUInt16(elf, need + 2); versions > 0; versions--)
            {
                var flags = BitConverter.ToUInt16(elf, version + 4);
                if (Text(elf, strings + (int)BitConverter.ToUInt32(elf, version + 8)) == Version && (flags & WeakFlag) == 0)
                {
                    BitConverter.GetBytes((ushort)(flags | WeakFlag)).CopyTo(elf, version + 4);
                    return true;
                }

                version += (int)BitConverter.ToUInt32(elf, version + 12);
            }

            need += (int)BitConverter.ToUInt32(elf, need + 12);
        }

        return false;
    }

    private static int Offset(byte[] elf, int header) => checked((int)BitConverter.ToInt64(elf, header + 24));

    private static string Text(byte[] elf, int at) => Encoding.ASCII.GetString(elf, at, Array.IndexOf(elf, (byte)0, at) - at);
}
