using System.Text.Json;
using System.Text.Json.Serialization;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Training.Checkpoint;

namespace LlavaCluster.Training.Recipe;

/// <summary>The whole of a run: the model's sizes and the phases in order.</summary>
internal sealed record RecipePlan
{
    private static readonly JsonSerializerOptions Form = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>Seed of weights, pictures and dialogues.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>
    /// What products are computed in; originals are float32 in any case. Part of the plan, since a run that goes on must go on bit by bit.
    /// </summary>
    public string Dtype { get; init; } = "bfloat16";

    /// <summary>Sizes of the model.</summary>
    public TinyShape Shape { get; init; } = new();

    /// <summary>The phases.</summary>
    public required IReadOnlyList<PhasePlan> Phases { get; init; }

    /// <summary>
    /// The recipe of the embedded model, in five rounds: what limited it after the first were letters, so the tower has more times of its
    /// own; after the second, comparing two objects, so the third asks for that. It learned left and right by it, and nothing of above, below
    /// and size, which the fourth asks for before all else. The fifth goes back to letters, and then asks of pictures with many objects what
    /// they all are and how many: of 79 descriptions that failed, 46 told an object twice. Steps are numbers, not times, so that
    /// a run is the same on any machine.
    /// </summary>
    public static RecipePlan Standard { get; } = new()
    {
        Phases =
        [
            new PhasePlan { Name = "tower", Kind = PhaseKind.Tower, Steps = 12_000, Batch = 32, Rate = 1e-3 },
            new PhasePlan { Name = "words", Kind = PhaseKind.Words, Steps = 200, Batch = 6144, Rate = 1.5e-3 },
            new PhasePlan { Name = "connector", Kind = PhaseKind.Connector, Steps = 200, Batch = 6144, Rate = 1.5e-3 },

            // Many cheap steps on the base tile first: on whole pictures from the start the language model learns little in the same time.
            new PhasePlan { Name = "base", Kind = PhaseKind.Dialogues, Steps = 2_400, Batch = 6144, Rate = 1.5e-3, FirstGlyphHeight = 20 },
            new PhasePlan { Name = "grid", Kind = PhaseKind.Dialogues, Steps = 500, Batch = 6144, Rate = 8e-4, GridShare = 0.7, SpellingShare = 0.35 },
            new PhasePlan { Name = "tower2", Kind = PhaseKind.Tower, Steps = 8_000, Batch = 32, Rate = 1e-3 },
            new PhasePlan
            {
                Name = "base2",
                Kind = PhaseKind.Dialogues,
                Steps = 2_400,
                Batch = 6144,
                Rate = 1.5e-3,
                TowerRate = 0.25,
                SpellingShare = 0.25,
                FirstGlyphHeight = 12,
            },
            new PhasePlan
            {
                Name = "grid2",
                Kind = PhaseKind.Dialogues,
                Steps = 1_400,
                Batch = 6144,
                Rate = 8e-4,
                GridShare = 0.65,
                TowerRate = 0.2,
                SpellingShare = 0.35,
            },
            new PhasePlan { Name = "tower3", Kind = PhaseKind.Tower, Steps = 9_000, Batch = 32, Rate = 8e-4, SheetShare = 0.75 },
            new PhasePlan
            {
                Name = "base3",
                Kind = PhaseKind.Dialogues,
                Steps = 1_800,
                Batch = 6144,
                Rate = 1.2e-3,
                TowerRate = 0.25,
                SpellingShare = 0.25,
                ComparingShare = 0.25,
                PairShare = 0.12,
                FirstGlyphHeight = 9,
            },
            new PhasePlan
            {
                Name = "grid3",
                Kind = PhaseKind.Dialogues,
                Steps = 2_900,
                Batch = 6144,
                Rate = 1e-3,
                GridShare = 0.7,
                TowerRate = 0.25,
                SpellingShare = 0.35,
                ComparingShare = 0.3,
                PairShare = 0.12,
            },
            new PhasePlan
            {
                Name = "base4",
                Kind = PhaseKind.Dialogues,
                Steps = 1_200,
                Batch = 6144,
                Rate = 1.2e-3,
                TowerRate = 0.25,
                SpellingShare = 0.15,
                ComparingShare = 0.6,
                AcrossWeight = 0.15,
                PairShare = 0.15,
            },
            new PhasePlan
            {
                Name = "grid4",
                Kind = PhaseKind.Dialogues,
                Steps = 3_000,
                Batch = 6144,
                Rate = 1e-3,
                GridShare = 0.7,
                TowerRate = 0.25,
                SpellingShare = 0.35,
                ComparingShare = 0.4,
                AcrossWeight = 0.3,
                PairShare = 0.2,
            },
            new PhasePlan { Name = "tower4", Kind = PhaseKind.Tower, Steps = 8_500, Batch = 32, Rate = 8e-4, SheetShare = 0.7 },
            new PhasePlan
            {
                Name = "base5",
                Kind = PhaseKind.Dialogues,
                Steps = 700,
                Batch = 6144,
                Rate = 1e-3,
                TowerRate = 0.25,
                ComparingShare = 0.3,
                AcrossWeight = 0.3,
                PairShare = 0.15,
            },
            new PhasePlan
            {
                Name = "grid6",
                Kind = PhaseKind.Dialogues,
                Steps = 451,
                Batch = 6144,
                Rate = 1e-3,
                GridShare = 0.7,
                TowerRate = 0.25,
                SpellingShare = 0.3,
                ComparingShare = 0.25,
                AcrossWeight = 0.3,
                PairShare = 0.15,
            },
            new PhasePlan
            {
                Name = "grid7",
                Kind = PhaseKind.Dialogues,
                Steps = 2_100,
                Batch = 6144,
                Rate = 1e-3,
                GridShare = 0.7,
                TowerRate = 0.25,
                SpellingShare = 0.28,
                ComparingShare = 0.25,
                AcrossWeight = 0.4,
                ListingShare = 0.5,
                PairShare = 0.12,
            },
        ],
    };

    /// <summary>
    /// The standard recipe in what this processor is faster at: torch multiplies bfloat16 several times as fast as float32 where there is
    /// an instruction for it, and several times as slowly where there is none.
    /// </summary>
    public static RecipePlan OfThisProcessor => Standard with { Dtype = KernelPaths.Best == KernelPath.Avx512BFloat16 ? "bfloat16" : "float32" };

    /// <summary>The stage that a phase belongs to: one that goes back to the tower between dialogues is part of the later stage.</summary>
    public TrainStage StageOf(int phase) => Phases.Take(phase + 1).Max(p => p.Stage);

    /// <summary>Reads the plan of a run's folder.</summary>
    /// <exception cref="TrainException">The file is damaged.</exception>
    public static RecipePlan Read(string path)
    {
        try
        {
            var plan = JsonSerializer.Deserialize<RecipePlan>(File.ReadAllBytes(path), Form) ?? throw new JsonException("it is empty");
            return plan.Dtype is "bfloat16" or "float32" ? plan : throw new JsonException($"dtype '{plan.Dtype}' is neither bfloat16 nor float32");
        }
        catch (JsonException e)
        {
            throw new TrainException($"{path} is no plan of a run: {e.Message}", e);
        }
    }

    /// <summary>Writes it.</summary>
    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Form) + "\n");
}
