namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// What one tenant has been given, and its sequences that wait. The clock counts tokens: those of prompts when they are taken up, those
/// of answers as they come; the tenant whose clock is least is served next (virtual token counter; Sheng et al., "Fairness in Serving
/// Large Language Models", 2024).
/// </summary>
internal sealed class TenantAccount
{
    /// <summary>Tokens given.</summary>
    public long Clock { get; set; }

    /// <summary>Its sequences in the queue, in order of arrival.</summary>
    public LinkedList<Sequence> Line { get; } = [];
}
