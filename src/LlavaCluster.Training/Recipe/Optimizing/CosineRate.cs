namespace LlavaCluster.Training.Recipe.Optimizing;

/// <summary>Learning rate over a phase: up in a straight line, then down along half a cosine. A function of the step alone.</summary>
/// <param name="Peak">Highest rate.</param>
/// <param name="Steps">Steps of the phase.</param>
/// <param name="WarmUp">Share of the steps that go up.</param>
/// <param name="Last">Share of the peak at the end.</param>
internal sealed record CosineRate(double Peak, int Steps, double WarmUp = 0.03, double Last = 0.02)
{
    /// <summary>Rate of a step, 0 … <see cref="Steps"/> − 1.</summary>
    public double At(int step)
    {
        var rising = Math.Max(1, Steps * WarmUp);
        if (step < rising)
        {
            return Peak * (step + 1) / (rising + 1);
        }

        var way = Math.Min(1, (step - rising) / Math.Max(1, Steps - rising));
        return Peak * (Last + ((1 - Last) * 0.5 * (1 + Math.Cos(Math.PI * way))));
    }
}
