namespace LlavaCluster.Training.Recipe;

/// <summary>How far training has come.</summary>
/// <param name="Phase">Name of the phase.</param>
/// <param name="Step">Steps of the phase that are done.</param>
/// <param name="Steps">Steps of the phase.</param>
/// <param name="Loss">Loss, smoothed over the last steps.</param>
/// <param name="Rate">What is learned from, per second.</param>
/// <param name="Unit">Of <paramref name="Rate"/>: tiles, pictures, answers.</param>
/// <param name="Left">Time that the phase still takes at this pace; null before the pace is known.</param>
/// <param name="Note">Held-out accuracy when it was just measured, or an event such as a saved state; else null.</param>
public sealed record TrainProgress(
    string Phase, int Step, int Steps, double Loss, double Rate, string Unit, TimeSpan? Left, string? Note);
