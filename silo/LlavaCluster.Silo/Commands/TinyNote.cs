using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Commands;

/// <summary>What a user must know of the model that comes with the program.</summary>
internal static class TinyNote
{
    /// <summary>Says on standard error that its weights are random, when it is the one.</summary>
    public static void Write(ModelOptions options)
    {
        if (options.Model == ServedModel.Tiny)
        {
            Console.Error.WriteLine(
                "The model 'tiny' has random weights: its answers are nonsense. Name a checkpoint folder with --model DIR.");
        }
    }
}
