using System.Text.Json.Serialization;

namespace LlavaCluster.Training.Recipe;

/// <summary>What a phase teaches.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PhaseKind>))]
internal enum PhaseKind
{
    /// <summary>The tower, what is where on tiles.</summary>
    Tower,

    /// <summary>The language model, the text of questions and answers without pictures.</summary>
    Words,

    /// <summary>The projector alone, descriptions.</summary>
    Connector,

    /// <summary>Projector and language model, dialogues about pictures.</summary>
    Dialogues,
}
