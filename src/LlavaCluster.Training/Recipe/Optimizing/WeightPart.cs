namespace LlavaCluster.Training.Recipe.Optimizing;

/// <summary>Weights that learn, or rest, together.</summary>
internal enum WeightPart
{
    /// <summary>The vision tower.</summary>
    Tower,

    /// <summary>Linear layers behind the tower that only training has.</summary>
    Heads,

    /// <summary>The projector and the new-line vector.</summary>
    Projector,

    /// <summary>The language model.</summary>
    Language,
}
