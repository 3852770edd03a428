namespace LlavaCluster.Model;

/// <summary>How the language model's matrices are kept. Embedding, norms, projector and vision tower are always as they are.</summary>
public enum WeightForm
{
    /// <summary>In the compute type.</summary>
    Full,

    /// <summary>8 bits a weight: a code from −127 to 127, and a scale for each output.</summary>
    Int8,

    /// <summary>
    /// 4.5 bits a weight: a code from −8 to 7, and a scale for every 32 inputs of an output. The output layer, which decides between
    /// neighbouring ids, is kept in <see cref="Int8"/>.
    /// </summary>
    Int4,
}

/// <summary>What configuration calls them.</summary>
public static class WeightForms
{
    /// <summary>full, int8, int4.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Enum.GetNames<WeightForm>().Select(name => name.ToLowerInvariant())];

    /// <summary>The form of a name.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static WeightForm Parse(string name) => Names.Contains(name)
        ? Enum.Parse<WeightForm>(name, ignoreCase: true)
        : throw new ArgumentException($"Weights '{name}' are unknown; {string.Join(", ", Names)} are known.", nameof(name));
}
