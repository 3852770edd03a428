using System.Text.Json;
using System.Text.Json.Serialization;
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

    /// <summary>Sizes of the model.</summary>
    public TinyShape Shape { get; init; } = new();

    /// <summary>The phases.</summary>
    public required IReadOnlyList<PhasePlan> Phases { get; init; }

    /// <summary>The recipe of the embedded model.</summary>
    public static RecipePlan Standard { get; } = new()
    {
        Phases =
        [
            new PhasePlan { Name = "tower", Kind = PhaseKind.Tower, Steps = 12_000, Batch = 32, Rate = 1e-3 },
        ],
    };

    /// <summary>Reads the plan of a run's folder.</summary>
    /// <exception cref="TrainException">The file is damaged.</exception>
    public static RecipePlan Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<RecipePlan>(File.ReadAllBytes(path), Form) ?? throw new JsonException("it is empty");
        }
        catch (JsonException e)
        {
            throw new TrainException($"{path} is no plan of a run: {e.Message}", e);
        }
    }

    /// <summary>Writes it.</summary>
    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Form) + "\n");
}
