using System.Text.Json.Serialization;

namespace LlavaCluster.Training.Recipe;

/// <summary>One phase of a run. Its numbers are written into the run's folder, so that the run is resumed as it was begun.</summary>
internal sealed record PhasePlan
{
    /// <summary>Name in progress and log, unlike any other of the run; chance depends on it.</summary>
    public required string Name { get; init; }

    /// <summary>What it teaches.</summary>
    public required PhaseKind Kind { get; init; }

    /// <summary>Updates in all.</summary>
    public required int Steps { get; init; }

    /// <summary>Tiles of an update of the tower, or tokens of an update of the language model.</summary>
    public required int Batch { get; init; }

    /// <summary>Highest learning rate.</summary>
    public required double Rate { get; init; }

    /// <summary>Tower: share of the tiles that are cut from sheets of letters.</summary>
    public double SheetShare { get; init; } = 0.6;

    /// <summary>Dialogues: share of the pictures that are seen whole, base tile and grid; the others in the base tile alone.</summary>
    public double GridShare { get; init; }

    /// <summary>Dialogues: the tower's share of the rate; 0: it rests.</summary>
    public double TowerRate { get; init; }

    /// <summary>Dialogues: share of the questions that ask for the text.</summary>
    public double SpellingShare { get; init; } = 0.2;

    /// <summary>Dialogues: share of the other pictures that are drawn for questions that compare two objects.</summary>
    public double ComparingShare { get; init; }

    /// <summary>Dialogues: how often those questions are for left and right, beside what is usual; the others are for height and size.</summary>
    public double AcrossWeight { get; init; } = 1;

    /// <summary>
    /// Dialogues: share of the pictures left after those that show many objects, to be asked what they all are and how many.
    /// </summary>
    public double ListingShare { get; init; }

    /// <summary>Dialogues: share of the lessons that show two pictures.</summary>
    public double PairShare { get; init; } = 0.08;

    /// <summary>Dialogues: height of glyphs in the base tile at the start, pixels; it falls to the smallest that can be read.</summary>
    public double FirstGlyphHeight { get; init; }

    /// <summary>The stage that teaches such things first.</summary>
    [JsonIgnore]
    public TrainStage Stage => Kind switch
    {
        PhaseKind.Tower or PhaseKind.Words => TrainStage.Tower,
        PhaseKind.Connector => TrainStage.Connector,
        _ => TrainStage.Instruct,
    };

    /// <summary>The place of its chance.</summary>
    [JsonIgnore]
    public ulong Key => Name.Aggregate(14695981039346656037, (hash, letter) => (hash ^ letter) * 1099511628211);
}
