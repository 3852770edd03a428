namespace LlavaCluster.Training.Recipe;

/// <summary>A part of the recipe that can be asked for by name.</summary>
public enum TrainStage
{
    /// <summary>All of it, in order.</summary>
    All,

    /// <summary>The vision tower from dense labels, and the language model from the text of the questions.</summary>
    Tower,

    /// <summary>The projector alone, from descriptions.</summary>
    Connector,

    /// <summary>Everything, from dialogues.</summary>
    Instruct,
}
