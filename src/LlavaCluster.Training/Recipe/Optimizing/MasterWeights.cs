using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Optimizing;

/// <summary>
/// The float32 originals of all weights and AdamW's two moments, each as one long row in which the parts lie one after the other, so
/// that an update is a few operations whatever the number of weights. The network computes with 16-bit copies. One thread.
/// <code>
/// | tower, decays | tower, rests | heads, decays | heads, rests | projector … | language … |
/// </code>
/// </summary>
internal sealed class MasterWeights : IDisposable
{
    private readonly Dictionary<string, long> _places = [];

    /// <summary>Originals of these weights, zero until they are set.</summary>
    public MasterWeights(IEnumerable<LearnedWeight> weights)
    {
        Weights = [.. weights.OrderBy(w => w.Part).ThenBy(w => !w.Decays)];
        long count = 0;
        foreach (var weight in Weights)
        {
            _places.Add(weight.Name, count);
            count += weight.Count;
        }

        using var scope = NewDisposeScope();
        Values = zeros(count, dtype: ScalarType.Float32).DetachFromDisposeScope();
        Gradients = zeros(count, dtype: ScalarType.Float32).DetachFromDisposeScope();
        First = zeros(count, dtype: ScalarType.Float32).DetachFromDisposeScope();
        Second = zeros(count, dtype: ScalarType.Float32).DetachFromDisposeScope();
    }

    /// <summary>The weights, in the order of the rows.</summary>
    public IReadOnlyList<LearnedWeight> Weights { get; }

    /// <summary>[all numbers]: the originals.</summary>
    public Tensor Values { get; }

    /// <summary>[all numbers]: what <see cref="TakeGradients"/> took.</summary>
    public Tensor Gradients { get; }

    /// <summary>[all numbers]: running mean of the gradients.</summary>
    public Tensor First { get; }

    /// <summary>[all numbers]: running mean of their squares.</summary>
    public Tensor Second { get; }

    /// <summary>Where a part's decaying or resting weights lie in the rows; the length may be 0.</summary>
    public (long Start, long Length) Range(WeightPart part, bool decays)
    {
        var inside = Weights.Where(w => w.Part == part && w.Decays == decays).ToArray();
        return inside.Length == 0 ? (0, 0) : (_places[inside[0].Name], inside.Sum(w => w.Count));
    }

    /// <summary>A weight's stretch of a row, in the weight's shape. A view: in the caller's dispose scope.</summary>
    public Tensor Of(Tensor row, LearnedWeight weight) => row.narrow(0, _places[weight.Name], weight.Count).view(weight.Live.shape);

    /// <summary>Gives the network the originals, rounded to its number form.</summary>
    /// <param name="parts">Parts that have changed; null: all.</param>
    public void Publish(IReadOnlyCollection<WeightPart>? parts = null)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        foreach (var weight in Weights)
        {
            if (parts is null || parts.Contains(weight.Part))
            {
                weight.Live.copy_(Of(Values, weight));
            }
        }
    }

    /// <summary>Takes the network's gradients over, widened, and clears them there.</summary>
    /// <param name="parts">Parts that learn; a weight without a gradient counts as zero.</param>
    public void TakeGradients(IReadOnlyCollection<WeightPart> parts)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        foreach (var weight in Weights)
        {
            if (!parts.Contains(weight.Part))
            {
                continue;
            }

            var target = Of(Gradients, weight);
            if (weight.Live.grad is { } gradient)
            {
                target.copy_(gradient);
                weight.Live.grad = null;
                gradient.Dispose();
            }
            else
            {
                target.zero_();
            }
        }
    }

    /// <summary>Forgets both moments: a new phase starts without the momentum of the last.</summary>
    public void ForgetMoments()
    {
        First.zero_();
        Second.zero_();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Values.Dispose();
        Gradients.Dispose();
        First.Dispose();
        Second.Dispose();
    }
}
