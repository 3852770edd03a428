namespace LlavaCluster.Training.Recipe;

/// <summary>What a call of the trainer shall do.</summary>
public sealed record TrainOptions
{
    /// <summary>The part of the recipe.</summary>
    public required TrainStage Stage { get; init; }

    /// <summary>Folder of the run; a run that stands there goes on.</summary>
    public required string Folder { get; init; }

    /// <summary>How long this call may train; null: to the end of the stage. The next call goes on where it stopped.</summary>
    public TimeSpan? Limit { get; init; }

    /// <summary>Where pictures, dialogues and first weights come from; null: that of the run that stands there, or 1.</summary>
    public ulong? Seed { get; init; }
}
