using LlavaCluster.Training.Recipe.Optimizing;

namespace LlavaCluster.Training.Recipe.Run;

/// <summary>What a phase learns from, step by step. One thread.</summary>
internal interface ILessons : IDisposable
{
    /// <summary>The parts that learn, and each one's share of the phase's rate.</summary>
    IReadOnlyDictionary<WeightPart, double> Parts { get; }

    /// <summary>What is counted: tiles, pictures.</summary>
    string Unit { get; }

    /// <summary>Computes the loss of the next step and leaves its gradient at the network's parameters. In a dispose scope of its own.</summary>
    /// <returns>The loss, and how many units it is the mean of.</returns>
    (double Loss, int Units) Backward();

    /// <summary>Shares of right answers on what was never learned from, by kind.</summary>
    SortedDictionary<string, double> Score();
}
