using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Routing;

namespace LlavaCluster.Grains.Encoding;

/// <summary>
/// Who encodes the images that this encoder decides on: the one that was told before, as long as it is there, else the least loaded. Its
/// grain's thread only.
/// </summary>
internal sealed class ImageAssignments
{
    /// <summary>So many images are remembered.</summary>
    public const int Most = 1 << 16;

    private readonly Dictionary<string, string> _known = [];
    private readonly Queue<string> _order = [];
    private readonly Dictionary<string, long> _given = [];
    private readonly Dictionary<string, (EncoderLoadMessage Since, int Tiles)> _sent = [];

    /// <summary>The encoder of an image.</summary>
    /// <param name="image">Hash, hexadecimal digits.</param>
    /// <param name="tiles">Tiles that it has.</param>
    /// <param name="encoders">Encoders that are there; at least one.</param>
    public string Assign(string image, int tiles, IReadOnlyList<EncoderLoadMessage> encoders)
    {
        if (_known.TryGetValue(image, out var known) && encoders.Any(encoder => encoder.Encoder == known))
        {
            return known;
        }

        Meet(encoders);
        var chosen = EncoderPolicy.LeastLoaded([.. encoders.Select(encoder => (encoder, SentSince(encoder)))], _given);
        var load = encoders.First(encoder => encoder.Encoder == chosen);
        _sent[chosen] = (load, SentSince(load) + tiles);
        _given[chosen] += tiles;
        if (known is null)
        {
            _order.Enqueue(image);
            if (_order.Count > Most)
            {
                _known.Remove(_order.Dequeue());
            }
        }

        _known[image] = chosen;
        return chosen;
    }

    /// <summary>Who is new begins beside the others: it has no arrears to make up for.</summary>
    private void Meet(IReadOnlyList<EncoderLoadMessage> encoders)
    {
        var least = encoders.Where(encoder => _given.ContainsKey(encoder.Encoder)).Select(encoder => _given[encoder.Encoder]).DefaultIfEmpty().Min();
        foreach (var encoder in encoders)
        {
            _given.TryAdd(encoder.Encoder, least);
        }
    }

    private int SentSince(EncoderLoadMessage load) =>
        _sent.TryGetValue(load.Encoder, out var sent) && ReferenceEquals(sent.Since, load) ? sent.Tiles : 0;
}
