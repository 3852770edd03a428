using System.Security.Cryptography;

namespace LlavaCluster.Core.Imaging;

/// <summary>The address of an image: SHA-256 of its file's bytes, as 64 lower-case hexadecimal digits.</summary>
public readonly record struct ImageHash
{
    /// <summary>Takes 64 hexadecimal digits.</summary>
    /// <exception cref="FormatException">Not 64 hexadecimal digits.</exception>
    public ImageHash(string hex)
    {
        if (!IsHash(hex))
        {
            throw new FormatException($"'{Shown(hex)}' is not an image hash: 64 hexadecimal digits are.");
        }

        Hex = hex.ToLowerInvariant();
    }

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public string Hex { get; }

    /// <summary>True for 64 hexadecimal digits.</summary>
    public static bool IsHash(string? hex) => hex is { Length: 64 } && hex.All(char.IsAsciiHexDigit);

    /// <summary>The address of these bytes.</summary>
    public static ImageHash Of(ReadOnlySpan<byte> file) => new(Convert.ToHexStringLower(SHA256.HashData(file)));

    /// <inheritdoc/>
    public override string ToString() => Hex ?? "";

    private static string Shown(string? hex) => hex is null ? "null" : hex.Length <= 80 ? hex : hex[..80] + "…";
}
