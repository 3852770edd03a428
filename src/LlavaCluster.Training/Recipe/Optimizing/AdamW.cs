using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Optimizing;

/// <summary>
/// AdamW (Loshchilov, Hutter 2019) over the rows of <see cref="MasterWeights"/>, after clipping the gradient's norm. Equal to
/// torch.optim.AdamW; of our own because its state then lies in three rows that are saved and resumed as they are. One thread.
/// </summary>
internal sealed class AdamW(MasterWeights masters)
{
    private const double Epsilon = 1e-8;

    /// <summary>β₁.</summary>
    public double FirstDecay { get; init; } = 0.9;

    /// <summary>β₂: shorter than usual, since phases are short.</summary>
    public double SecondDecay { get; init; } = 0.98;

    /// <summary>Share of a decaying weight that a step at rate 1 takes away.</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>Norm that the gradient of all learning weights together is cut to.</summary>
    public double MaxNorm { get; init; } = 1.0;

    /// <summary>One update from the gradients in <see cref="MasterWeights.Gradients"/>, which it scales.</summary>
    /// <param name="rates">Learning rate of each part that learns.</param>
    /// <param name="step">Number of the update since the moments were forgotten, from 1.</param>
    /// <returns>Norm of the gradient before it was cut.</returns>
    public double Update(IReadOnlyDictionary<WeightPart, double> rates, int step)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var ranges = rates.SelectMany(rate => new[] { true, false }.Select(decays => (Place: masters.Range(rate.Key, decays), decays, rate.Value)))
            .Where(range => range.Place.Length > 0)
            .ToArray();
        var norm = Math.Sqrt(ranges.Sum(range => Square(masters.Gradients.narrow(0, range.Place.Start, range.Place.Length))));
        var scale = norm > MaxNorm ? MaxNorm / (norm + 1e-6) : 1;
        foreach (var ((start, length), decays, rate) in ranges)
        {
            var gradient = masters.Gradients.narrow(0, start, length);
            if (scale < 1)
            {
                gradient.mul_(scale);
            }

            Update(start, length, gradient, rate, decays ? WeightDecay : 0, step);
        }

        return norm;
    }

    private void Update(long start, long length, Tensor gradient, double rate, double decay, int step)
    {
        using var scope = NewDisposeScope();
        var values = masters.Values.narrow(0, start, length);
        var first = masters.First.narrow(0, start, length);
        var second = masters.Second.narrow(0, start, length);
        first.mul_(FirstDecay).add_(gradient, alpha: 1 - FirstDecay);
        second.mul_(SecondDecay).addcmul_(gradient, gradient, 1 - SecondDecay);
        var spread = second.sqrt().div_(Math.Sqrt(1 - Math.Pow(SecondDecay, step))).add_(Epsilon);
        if (decay > 0)
        {
            values.mul_(1 - (rate * decay));
        }

        values.addcdiv_(first, spread, -rate / (1 - Math.Pow(FirstDecay, step)));
    }

    private static double Square(Tensor gradient) => gradient.dot(gradient).item<float>();
}
