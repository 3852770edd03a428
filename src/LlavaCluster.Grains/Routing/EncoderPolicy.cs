using System.IO.Hashing;

namespace LlavaCluster.Grains.Routing;

/// <summary>
/// Which encoder takes an image: each image has a first and a second choice that follow from its hash (rendezvous hashing), so that the
/// same image finds its features again wherever it is asked for; the second is taken when the first has much more to do. Pure.
/// </summary>
internal static class EncoderPolicy
{
    /// <summary>Tiles that the first choice may have more than the second: about one image.</summary>
    public const int Slack = 5;

    /// <summary>First and second choice; the second is null where there is one encoder.</summary>
    /// <param name="image">Hash, hexadecimal digits.</param>
    /// <param name="encoders">Encoders that are there; at least one.</param>
    public static (string First, string? Second) Choices(string image, IReadOnlyList<string> encoders)
    {
        var ranked = encoders.OrderByDescending(encoder => Weight(image, encoder)).ThenBy(encoder => encoder, StringComparer.Ordinal);
        return ranked.Take(2).ToArray() switch
        {
            [var only] => (only, null),
            [var first, var second] => (first, second),
            _ => throw new ArgumentException("There is no encoder to choose from.", nameof(encoders)),
        };
    }

    /// <summary>True when the first choice is to be taken.</summary>
    public static bool Prefers(int firstOutstanding, int secondOutstanding) => firstOutstanding <= secondOutstanding + Slack;

    private static ulong Weight(string image, string encoder) => XxHash64.HashToUInt64(System.Text.Encoding.UTF8.GetBytes($"{image}/{encoder}"));
}
