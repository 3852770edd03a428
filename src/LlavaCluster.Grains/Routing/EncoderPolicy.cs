using System.IO.Hashing;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Routing;

/// <summary>
/// Which encoder takes an image. Each image has an encoder that decides for all gateways, and a second should it be gone; both follow
/// from its hash (rendezvous hashing). Who decides remembers what it decided, so that an image meets its features again; a new one goes
/// where the fewest tiles wait. Pure.
/// </summary>
internal static class EncoderPolicy
{
    /// <summary>A lead over the others counts up to so many tiles, three images or so: a slow encoder is not given as much as a quick one.</summary>
    private const long MostLead = 16;

    /// <summary>Who decides, and who is asked when that one is gone; the second is null where there is one encoder.</summary>
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

    /// <summary>
    /// Who encodes a new image: where the fewest tiles wait. What waits is known as it was a report ago, and many an image has come and gone
    /// since; so those who were given more count a few tiles more, which keeps chance from adding up.
    /// </summary>
    /// <param name="encoders">Encoders that are there, and the tiles that the one who asks has given each since its last report.</param>
    /// <param name="given">Tiles that it has given each in all.</param>
    public static string LeastLoaded(
        IReadOnlyList<(EncoderLoadMessage Load, int Sent)> encoders, IReadOnlyDictionary<string, long> given)
    {
        var least = encoders.Min(encoder => given.GetValueOrDefault(encoder.Load.Encoder));
        return encoders
            .OrderBy(encoder => encoder.Load.Outstanding + encoder.Sent
                + (Math.Min(MostLead, given.GetValueOrDefault(encoder.Load.Encoder) - least) / 2.0))
            .ThenBy(encoder => encoder.Load.Encoder, StringComparer.Ordinal)
            .First().Load.Encoder;
    }

    private static ulong Weight(string image, string encoder) => XxHash64.HashToUInt64(System.Text.Encoding.UTF8.GetBytes($"{image}/{encoder}"));
}
