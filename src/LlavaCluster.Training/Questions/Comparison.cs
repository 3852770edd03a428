namespace LlavaCluster.Training.Questions;

/// <summary>How one object compares with another: in each pair the second is the opposite of the first.</summary>
internal enum Comparison
{
    /// <summary>Further left.</summary>
    Left,

    /// <summary>Further right.</summary>
    Right,

    /// <summary>Higher.</summary>
    Above,

    /// <summary>Lower.</summary>
    Below,

    /// <summary>Larger.</summary>
    Bigger,

    /// <summary>Less large.</summary>
    Smaller,
}
