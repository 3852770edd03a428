using Orleans.Services;

namespace LlavaCluster.Grains.Contracts;

/// <summary>Every silo has one, addressed by the silo: there the others tell how they are.</summary>
[Alias("llava.IFleetService")]
public interface IFleetService : IGrainService
{
    /// <summary>A silo tells how it is, ten times a second.</summary>
    [Alias("Report")]
    Task Report(SiloReportMessage report);

    /// <summary>This silo is to leave: it begins to drain, and answers.</summary>
    [Alias("Drain")]
    Task Drain();

    /// <summary>A silo that wants to join says what it is.</summary>
    /// <returns>Null: it may. Else a sentence that says why not.</returns>
    [Alias("Admit")]
    Task<string?> Admit(SiloIdentityMessage newcomer);
}
